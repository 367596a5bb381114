"""Nodes of a network: a rule runs at each of them, and nothing comes from one to another but what it sends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.core.ids import generator
from slotforge.solvers.optim.agreement import disagreement
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.case import family
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.lanes import SOLE, Stepper
from slotforge.solvers.optim.loop import NUMPY, Loop
from slotforge.solvers.optim.probe import Nodes
from slotforge.solvers.optim.simulate import JAX, Program

LEARN = """
def init(xp, p):
    zero = xp.zeros_like(p)
    return {"known": zero, "m": zero, "size": xp.zeros_like(xp.sum(p))}


def average(xp, x, order, p):
    mean = xp.mean(xp.take_along_axis(x, order, axis=-1), axis=0, keepdims=True) + xp.zeros_like(p)
    return xp.take_along_axis(mean, xp.argsort(order, axis=-1), axis=-1)


def update(xp, g, state, p, hp, t, aux):
    talk = t <= hp["gossip"]
    known = xp.where(t == 1, aux.noise, state["known"])
    known = xp.where(talk, aux.mix(aux.mix(xp.where(talk, known, xp.zeros_like(p)))), state["known"])
    order = xp.argsort(known, axis=-1)
    common = average(xp, g, order, p)
"""
"""Nodes send each other noise until they agree on it, so that it tells each how the others number entries."""

DESCEND = """
    m = xp.where(talk, state["m"], 0.7 * state["m"] + common)
    return p - hp["lr"] * m, {"known": known, "m": m, "size": state["size"]}
"""
CONJUGATE = """
    size = xp.sum(common * common)
    last = xp.where(state["size"] > 0, state["size"], xp.ones_like(size))
    d = -common + xp.where(state["size"] > 0, size / last, xp.zeros_like(size)) * state["m"]
    bent = average(xp, aux.hvp(d), order, p)
    moved = p + hp["lr"] * size / (xp.sum(d * bent) + 1e-300) * d
    m, size = xp.where(talk, xp.zeros_like(p), d), xp.where(talk, xp.zeros_like(size), size)
    return xp.where(talk, p, moved), {"known": known, "m": m, "size": size}
"""
FREE = [  # family, what is done with a mean that nobody sent, numbers, and calls with which that came near the goal
    ("decentralised", DESCEND, {"gossip": 60.0, "lr": 0.3}, 150),
    ("slow_links", CONJUGATE, {"gossip": 1.0, "lr": 1.0}, 150),
    ("node_sampling", DESCEND, {"gossip": 60.0, "lr": 0.01}, 400),
]
HEAD = 'HP = {"gossip": (1.0, 1.0, 200.0, "log"), "lr": (0.1, 1e-4, 10.0, "log")}\n\n'


@pytest.mark.parametrize(("name", "move", "numbers", "calls"), FREE)
def test_nodes_that_learn_the_orders_of_others_still_have_no_average_for_nothing(name, move, numbers, calls, never):
    source = HEAD + LEARN + move
    assert check("step", source) is None
    found = family(name)
    program = Program(family=found, rule=composite((("step", source),)))
    data = found.draw(found.knobs, generator(1, "problem"))
    program.inspect(data)
    hp = {f"step.{number}": value for number, value in numbers.items()}
    assert program.run(data, [hp], [1], budget=calls, enough=never).metric.min() > 10 * found.goal


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize("axis", ["1", '("nodes",)'])
def test_there_is_no_axis_of_nodes(host, axis, step):
    probe = Nodes((3, 4))
    program = host(family=probe, rule=step(f"return p - xp.sum(g, axis={axis}), {{}}"))
    with pytest.raises((ValueError, TypeError, NameError), match=r"axis|integer|str"):
        program.inspect(probe.draw({}, generator("probe")))


def steps(host, rule, data, count=3):
    """Return the points of a few steps and the last state, as arrays of NumPy."""
    stepper = Stepper(family=Nodes((3, 4)), rule=rule, host=host, whole=False)
    of = lambda tree: jax.tree.map(host.xp.asarray, tree)  # noqa: E731
    data = of({**data, "horizon": 9.0})
    p, points = data["begin"], []
    state = stepper.init(p)
    hp = of({name: number.default for name, number in rule.numbers.items()})
    for t in range(1, count + 1):
        noise = {SOLE: host.xp.asarray(generator(t).standard_normal(p.shape))}
        p, state, *_ = stepper.step(data, None, noise, p, state, hp, host.xp.asarray(float(t)), Spent())
        points.append(p)
    return np.asarray(jnp.stack(points)), jax.tree.map(np.asarray, state)


ALONE = [
    "xp.mean(g, axis=0) + xp.zeros_like(p)",
    "g * aux.value",
    "g / aux.norm",
    "aux.noise * xp.max(p)",
    "aux.grad(p - g)",
    "aux.hvp(g)",
    "xp.sum(aux.grads(xp.stack([p, g])), axis=0)",
    "aux.hessian(p) @ g",
    "xp.flip(g) + xp.roll(p, 1) + xp.sort(g)",
]


@pytest.mark.parametrize("host", [NUMPY, JAX], ids=["numpy", "jax"])
@pytest.mark.parametrize("move", [*ALONE, "aux.mix(g)", "aux.mix_sign(g)"])
def test_of_other_nodes_a_node_knows_what_they_send_and_nothing_else(host, move, step):
    rule = step(f"d = {move}\nreturn p - 0.1 * d, {{'m': state['m'] + d}}", "return {'m': xp.zeros_like(p)}")
    probe = Nodes((3, 4))
    data = probe.draw({}, generator("probe"))
    other = {name: np.concatenate([rows[:2], -3 * rows[2:]]) for name, rows in data.items()}
    (points, state), (others, told) = (steps(host, rule, one) for one in (data, other))
    assert not np.array_equal(points[:, 2], others[:, 2])
    alike = np.array_equal(points[:, :2], others[:, :2]) and np.array_equal(
        state[SOLE]["step"]["m"][:2], told[SOLE]["step"]["m"][:2]
    )
    assert alike == (move in ALONE)


def test_numpy_and_jax_agree_on_what_nodes_ask_together(step):
    asked = (
        "aux.mix(aux.grad(p - aux.mix(g))) + aux.hvp(g) + aux.hessian(p) @ g + aux.mix_sign(p) * aux.spread * aux.value"
    )
    assert disagreement(step(f"return p - 0.01 * ({asked}), {{}}"), Nodes((3, 4))) == ""
