"""A Python file with the rules in it and an `optimizer` for optax; it needs jax and optax alone."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.solvers.optim.export._file import Head, write

_ABOUT = """\
`optimizer(**numbers)` makes a gradient transformation, as `optax.adam` does; it needs nothing but jax and optax. See
`transformation` for what else it and its `update` take, and `NUMBERS` for the numbers."""
_PUBLIC = "optimizer = transformation(RULE, NUMBERS)"
_TEST = '''
def test() -> None:
    """Repeat the steps."""
    jax.config.update("jax_enable_x64", True)
    p = jnp.reshape(jnp.array({start}), {shape})
    weights = jnp.reshape(jnp.arange(1.0, p.size + 1), p.shape)
    loss = lambda p: (jnp.sum(weights * p * p) + jnp.sum(p) ** 2) / 2
    chosen = optimizer(horizon={steps}, rank=1)
    state = chosen.init(p)

    @jax.jit
    def step(p: Array, state: RuleState) -> tuple[Array, RuleState]:
        value, g = jax.value_and_grad(loss)(p)
        updates, state = chosen.update(g, state, p, value=value, grad_fn=jax.grad(loss))
        return optax.apply_updates(p, updates), state

    for _ in range({steps}):
        p, state = step(p, state)
    end = {end}
    assert end is None or jnp.allclose(jnp.ravel(p), jnp.array(end), rtol=1e-9, atol=1e-9), p'''


def text(slots: Mapping[str, str], head: Head) -> str:
    """Write the file."""
    return write(
        slots, head, ("adapters/_dry", "adapters/optax"), about=_ABOUT, public=_PUBLIC, test=_TEST, vector=False
    )
