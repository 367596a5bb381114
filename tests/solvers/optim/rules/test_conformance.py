"""What is promised of every rule file, whoever wrote it."""

import ast
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.testing.rule_host import RULES, advance, aside, numbers, path, points, problem, read

FILES = sorted(f"{file.parent.name}/{file.stem}" for file in RULES.glob("*/*.py") if file.stem != "__init__")
DEFAULTS = ("transform/identity", "precondition/identity", "schedule/constant", "restart/none", "sampling/uniform")
SHAPES = ((4, 4), (2, 4, 2), (6,))  # a rule runs on at least one of these
STEPS = 20
TOLERANCE = 1e-10
LOOSE = {  # rounding grows from step to step: what is near singular is divided by, or brought to 1
    "precondition/orthogonalise": 1e-7,
    "step/scaled_gd": 1e-7,
}

CHOOSING = ("sampling", "selection")

moving = pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(CHOOSING)])
choosing = pytest.mark.parametrize("name", [name for name in FILES if name.startswith(CHOOSING)])


def suiting(name):
    """Return the first shape on which a rule can be traced; raise what it raises where there is none."""
    failures = []
    for shape in SHAPES:
        try:
            jax.eval_shape(partial(one_step, read(name), problem(jnp, shape), slot=name.split("/")[0]))
        except Exception as error:
            failures.append(error)
        else:
            return shape
    raise failures[0]


def one_step(rule, of, slot):
    return next(path(rule, of, 1, slot=slot))


def shapes(state):
    return {key: (value.shape, str(value.dtype)) for key, value in state.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_rule_has_a_title_and_a_source(name):
    said = ast.get_docstring(ast.parse(Path(RULES / f"{name}.py").read_text()))
    title, _, rest = said.partition("\n")
    assert ": " in title
    assert title.endswith(".")
    assert name in DEFAULTS or rest.startswith("\nSource: ")


@moving
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_types_stay_as_they_begin(name, dtype):
    slot, shape = name.split("/")[0], suiting(name)
    for xp in (np, jnp):
        rule, of = read(name), problem(xp, shape, dtype)
        first = rule.init(xp, of.start)
        step = partial(one_step, rule, of, slot)
        p, state = jax.eval_shape(step) if xp is jnp else step()
        assert (p.shape, str(p.dtype)) == (shape, dtype)
        assert shapes(state) == shapes(first)


@moving
def test_numpy_jax_and_torch_agree(name):
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare")
    from slotforge.solvers.optim.adapters._torch_namespace import xp as xp_torch

    torch.set_num_threads(1)
    slot, shape = name.split("/")[0], suiting(name)
    rule = read(name)
    reference = points(rule, problem(np, shape), STEPS, slot=slot)
    assert np.isfinite(reference).all()
    allowed = LOOSE.get(name, TOLERANCE) * max(1.0, np.abs(reference).max())
    assert np.abs(points(rule, problem(xp_torch, shape), STEPS, slot=slot) - reference).max() <= allowed
    assert np.abs(in_jax(rule, shape, slot) - reference).max() <= allowed


def in_jax(rule, shape, slot):
    """Run a rule as the evaluator does: compiled, in a scan, for several lanes at once."""
    of = problem(jnp, shape)
    rng = np.random.default_rng(1)
    noise = jnp.asarray(np.stack([rng.standard_normal(shape) for _ in range(STEPS)]))
    hp = numbers(rule, of, {})

    def step(lane, now):
        t, drawn = now
        p, state = advance(rule, of, slot, *lane, hp, t, aside(lane[0], of, Spent(), noise=drawn))
        return (p, state), p

    times = jnp.arange(1.0, STEPS + 1)
    run = jax.jit(jax.vmap(lambda p: jax.lax.scan(step, (p, dict(rule.init(jnp, p))), (times, noise))[1]))
    return np.asarray(run(jnp.stack([of.start, of.start + 1])))[0]


@choosing
def test_scores_and_shares_agree_in_all_libraries(name):
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare")
    from slotforge.solvers.optim.adapters._torch_namespace import xp as xp_torch

    torch.set_num_threads(1)
    rule, rng = read(name), np.random.default_rng(0)
    p, values, noise = rng.random((5, 3)), np.round(9 * rng.random((STEPS, 5))), rng.standard_normal((STEPS, 5))
    if name.startswith("selection"):
        p = p[:, 0]

    def run(xp, dtype="float64"):
        of = lambda x: xp.asarray(np.asarray(x, dtype=dtype))  # noqa: E731
        state, hp, answers = dict(rule.init(xp, of(p))), {}, []
        hp = {key: of(number.default) for key, number in rule.numbers.items()}
        first = shapes(state)
        for t, row in enumerate(values, start=1):
            facts = {"noise": of(noise[t - 1]), "parent": of(np.eye(5)[0]), "horizon": of(STEPS), "norm": of(1.0)}
            facts |= {"spread": of(row + 1), "rank": 0, "value": of(row.min())}
            g = of(row + (1 if name.startswith("sampling") else 0))
            answer, state = rule.update(xp, g, state, of(p), hp, of(t), Aux(Spent(), facts, {}))
            assert (tuple(answer.shape), str(answer.dtype).rpartition(".")[2]) == ((5,), dtype)
            assert shapes(state) == first
            answers.append(np.asarray(answer))
        return np.stack(answers)

    reference = run(np)
    assert np.isfinite(reference).all()
    assert np.abs(run(jnp) - reference).max() <= TOLERANCE
    assert np.abs(run(xp_torch) - reference).max() <= TOLERANCE
    run(np, "float32")
    run(jnp, "float32")
