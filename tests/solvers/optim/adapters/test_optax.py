"""A rule as a gradient transformation keeps the promises of optax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin

optax = pytest.importorskip("optax", reason="optax is not installed: pip install optax")


@pytest.fixture
def made(compose: Any, numbers: Any) -> Any:
    """Make the factory of a built-in step rule, or of a source."""
    from slotforge.solvers.optim.adapters.optax import transformation

    def make(name: str) -> Any:
        composite = compose({"step": builtin.rules("step").get(name, name)})
        return transformation(composite, numbers(composite))

    return make


PARAMS = {"net": [jnp.arange(6.0).reshape(2, 3), (jnp.ones(4), jnp.asarray(2.0))], "out": jnp.zeros((1, 2, 2))}


def loss(params: Any) -> Any:
    return sum(jnp.sum((leaf - 1) ** 2 * (1 + i)) for i, leaf in enumerate(jax.tree.leaves(params)))


def train(chosen: Any, steps: int = 20) -> Any:
    params, state = PARAMS, chosen.init(PARAMS)

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = chosen.update(grads, state, params, value=value, grad_fn=jax.grad(loss))
        return optax.apply_updates(params, updates), state

    for _ in range(steps):
        params, state = step(params, state)
    return params, state


def test_adam_does_what_optax_does_on_any_structure_and_under_jit(made: Any) -> None:
    ours, _ = train(made("adam")(lr=0.1))
    theirs, _ = train(optax.with_extra_args_support(optax.adam(0.1)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), ours, theirs)


def test_it_works_in_a_chain(made: Any) -> None:
    chained, _ = train(optax.chain(optax.clip_by_global_norm(1.0), made("sgd")(lr=0.1), optax.scale(0.5)))
    plain, _ = train(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.05)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), chained, plain)


def test_numbers_can_be_injected_and_scheduled(made: Any) -> None:
    schedule = optax.linear_schedule(0.1, 0.0, 10)
    ours, state = train(optax.inject_hyperparams(made("adam"))(lr=schedule), 5)
    theirs, _ = train(optax.with_extra_args_support(optax.inject_hyperparams(optax.adam)(learning_rate=schedule)), 5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), ours, theirs)
    assert set(state.hyperparams) >= {"lr", "decay1", "decay2"}
    assert float(state.hyperparams["lr"]) == pytest.approx(0.06)


def test_rules_that_ask_questions_see_all_parameters_as_one_vector(made: Any) -> None:
    ours, _ = train(made("damped_newton")(), 12)
    assert float(loss(ours)) < 1e-6
    assert jax.tree.structure(ours) == jax.tree.structure(PARAMS)


@pytest.mark.parametrize("rule", ["adam", "damped_newton", "mkor"])
def test_state_lies_like_the_parameters_so_that_it_can_be_mapped(rule: str, made: Any) -> None:
    chosen, params = made(rule)(), {"a": jnp.ones((2, 3)), "b": jnp.ones(3)}
    named = jax.tree.map(lambda p: f"as {p.shape}", params)
    state = chosen.init(params)
    mapped = optax.tree_map_params(
        chosen, lambda _, name: name, state, named, transform_non_params=lambda _: "other",
        is_leaf=lambda value: isinstance(value, optax.MaskedNode),
    )  # fmt: skip
    assert set(jax.tree.leaves(mapped)) == ({"other"} if rule == "damped_newton" else {"other", *named.values()})
    if rule == "adam":
        assert mapped.leaves["step"]["m"] == named


@pytest.mark.parametrize("rule", ["adam", "muon", "mkor", "damped_newton"])
def test_empty_arrays_stay_and_harm_nobody(rule: str, made: Any) -> None:
    params = {"none": jnp.zeros((3, 0)), "some": jnp.ones((3, 2))}
    chosen = made(rule)()
    updates, _ = chosen.update(params, chosen.init(params), params, grad_fn=lambda p: p)
    assert updates["none"].shape == (3, 0)
    alone, _ = chosen.update(params["some"], chosen.init(params["some"]), params["some"], grad_fn=lambda p: p)
    np.testing.assert_allclose(updates["some"], alone)


def test_single_precision_stays_single(made: Any) -> None:
    params = {"w": jnp.ones((2, 2), jnp.float32)}
    chosen = made("adam")()
    updates, state = chosen.update(params, chosen.init(params), params)
    assert {leaf.dtype for leaf in jax.tree.leaves((updates, state.leaves))} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("rule", ["adam", "lion", "frugal", "grams", "damped_newton"])
@pytest.mark.parametrize("narrow", [jnp.bfloat16, jnp.float16])
def test_narrow_parameters_move_as_wide_ones_do(rule: str, narrow: Any, made: Any) -> None:
    def end(dtype: Any) -> Any:
        chosen = made(rule)(lr=0.1) if rule != "damped_newton" else made(rule)()
        p = jnp.ones(4, dtype)
        state = chosen.init(p)
        for _ in range(8):
            updates, state = chosen.update(p, state, p, grad_fn=lambda x: x)
            p = optax.apply_updates(p, updates)
        assert {leaf.dtype for leaf in jax.tree.leaves(state.leaves)} <= {jnp.dtype(jnp.float32)}
        assert updates.dtype == p.dtype == dtype
        return np.asarray(p, dtype=float)

    np.testing.assert_allclose(end(narrow), end(jnp.float32), atol=0.05)


@pytest.mark.parametrize("rule", ["adam", "extragradient"])
def test_wide_gradients_change_no_dtype(rule: str, made: Any) -> None:
    p = jnp.ones(4, jnp.float32)
    chosen = made(rule)()
    first = chosen.init(p)
    updates, state = chosen.update(p.astype(jnp.float64), first, p, grad_fn=lambda x: x.astype(jnp.float64))
    assert updates.dtype == p.dtype
    assert [leaf.dtype for leaf in jax.tree.leaves(state)] == [leaf.dtype for leaf in jax.tree.leaves(first)]


def test_noise_differs_between_steps_and_arrays_and_follows_the_seed(made: Any) -> None:
    source = "def init(xp, p):\n    return {}\ndef update(xp, g, state, p, hp, t, aux):\n    return p + aux.noise, {}\n"
    params = {"a": jnp.zeros(3), "b": jnp.zeros(3)}

    def updates(seed: int) -> list[Any]:
        chosen = made(source)(seed=seed)
        state = chosen.init(params)
        first, state = chosen.update(params, state, params)
        second, _ = chosen.update(params, state, params)
        return [first["a"], first["b"], second["a"]]

    drawn = [tuple(map(float, noise)) for seed in (1, 2) for noise in updates(seed)]
    assert len(set(drawn)) == 6
    assert drawn[:3] == [tuple(map(float, noise)) for noise in updates(1)]


def test_what_is_missing_is_said(made: Any) -> None:
    p = jnp.ones(2)
    for name, given, message in (
        ("adam", None, "call update(grads, state, params)"),
        ("extragradient", p, "grad_fn=GRAD"),
    ):
        chosen = made(name)()
        with pytest.raises(UsageError, match=message.replace("(", r"\(").replace(")", r"\)")):
            chosen.update(p, chosen.init(p), given)
    with pytest.raises(UsageError, match="no number 'momentum': this rule has lr"):
        made("sgd")(momentum=0.9)
    with pytest.raises(UsageError, match="int64: rules work on real numbers"):
        made("sgd")().init({"n": jnp.arange(3)})


@pytest.mark.parametrize("rule", ["eag", "barzilai_borwein", "twice", "damped_newton"])
def test_parameters_and_state_can_be_donated(rule: str, made: Any) -> None:
    twice = (
        "def init(xp, p):\n    zero = xp.zeros_like(p)\n    return {'a': p, 'b': p, 'c': zero, 'd': zero}\n"
        "def update(xp, g, state, p, hp, t, aux):\n    return p - g, state\n"
    )
    chosen, params = made(twice if rule == "twice" else rule)(), jax.tree.map(jnp.array, PARAMS)
    state = chosen.init(params)

    def step(params: Any, state: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = chosen.update(grads, state, params, value=value, grad_fn=jax.grad(loss))
        return optax.apply_updates(params, updates), state

    donated = jax.jit(step, donate_argnums=(0, 1))
    for _ in range(2):
        params, state = donated(params, state)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(params))


def test_an_injected_rank_is_static(made: Any) -> None:
    p = jnp.ones((3, 3))

    def step(chosen: Any) -> Any:
        state = chosen.init(p)
        return jax.jit(lambda g, p: chosen.update(g, state, p))(p, p)[0]

    with pytest.raises(UsageError, match=r"static_args=\('rank',\)"):
        step(optax.inject_hyperparams(made("accaltproj"))(rank=1))
    found = step(optax.inject_hyperparams(made("accaltproj"), static_args=("rank",))(rank=1))
    np.testing.assert_array_equal(found, step(made("accaltproj")(rank=1)))


def test_what_a_mask_hides_from_grad_fn_is_said(made: Any) -> None:
    params, mask = {"a": jnp.ones(2), "b": jnp.ones(2)}, {"a": True, "b": False}
    chosen = optax.masked(made("extragradient")(), mask)

    def whole(params: Any) -> Any:
        return jax.grad(lambda params: jnp.sum(params["a"] * params["b"]))(params)

    def filled(some: Any) -> Any:
        return {**whole({**some, "b": params["b"]}), "b": optax.MaskedNode()}

    with pytest.raises(UsageError, match="MaskedNode"):
        chosen.update(params, chosen.init(params), params, grad_fn=whole)
    updates, _ = chosen.update(params, chosen.init(params), params, grad_fn=filled)
    assert float(jnp.max(updates["a"])) < 0
