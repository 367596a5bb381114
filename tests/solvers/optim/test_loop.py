"""The NumPy reference, against JAX and by itself."""

import numpy as np
import pytest

from slotforge.core.ids import generator
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.case import family
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.rule import Rule
from slotforge.solvers.optim.simulate import Program

CASES = [
    ("least_squares", "conjugate_gradient", 1e-6),
    ("bilinear", "extragradient", 1e-8),
    ("robust_pca", "accaltproj", 1e-6),
    ("heavy_tail", "clipped_sgd", 1e-8),
    ("node_sampling", "dnss,sampling=mixed", 1e-8),
    ("stochastic_logistic", "adadagrad", 1e-8),
    ("td_policy", "td_pmd", 1e-8),
    ("planted", "selection=lifespan", 0),
    ("mlp", "adam", 1e-3),
]


def named(ref):
    parts = [part if "=" in part else f"step={part}" for part in ref.split(",")]
    return composite(tuple(sorted(builtin.named(",".join(parts)).items())))


def prepared(kind, found, rule):
    data = found.draw({**found.knobs, **found.splits["search"][0]}, generator("problem"))
    host = kind(family=found, rule=rule)
    host.inspect(data)
    return host, data


@pytest.mark.parametrize(("name", "ref", "tolerance"), CASES)
def test_the_loop_and_the_program_agree(name, ref, tolerance, never):
    found, rule = family(name), named(ref)
    budget = 2 * found.stride + 3  # ends within a stride
    runs = []
    for kind in (Loop, Program):
        host, data = prepared(kind, found, rule)
        hp = {name: number.default for name, number in rule.numbers.items()}
        runs.append(host.run(data, [hp], [3], budget=budget, enough=never))
    loop, program = runs
    seen = loop.metric.ravel() < np.inf
    looks = len(seen)
    assert seen.any()
    np.testing.assert_allclose(loop.metric.ravel()[seen], program.metric[:looks].ravel()[seen], rtol=tolerance)
    np.testing.assert_allclose(loop.calls.ravel()[seen], program.calls[:looks].ravel()[seen])
    within = program.hits(found.goal, found.floor)
    within[within > budget] = np.inf
    np.testing.assert_allclose(loop.hits(found.goal, found.floor), within)


def test_each_seed_is_run_until_its_own_goal(noisy, step, never):
    rule = step('return p - hp["lr"] * g, {}')
    loop, data = prepared_noisy(noisy(), rule)
    goal = 0.2
    full = loop.run(data, [{"step.lr": 0.1}], [1, 2, 3], budget=80, enough=never).hits(goal, 0.0)
    cut = loop.run(
        data, [{"step.lr": 0.1}], [1, 2, 3], budget=80, enough=lambda r: bool(((r.metric <= goal).sum(-1) >= 2).any())
    ).hits(goal, 0.0)
    assert np.array_equal(full, cut)
    assert len(set(full[-1, 0])) == 3


def prepared_noisy(found, rule):
    data = found.draw({}, generator("problem"))
    loop = Loop(family=found, rule=rule)
    loop.inspect(data)
    return loop, data


def test_a_singular_matrix_ends_a_run_as_it_does_in_jax(noisy, step, never):
    rule = step("return p - xp.linalg.inv(xp.zeros((4, 4), dtype=p.dtype)) @ g, {}")
    loop, data = prepared_noisy(noisy(), rule)
    program = Program(family=noisy(), rule=rule)
    program.inspect(data)
    for host in (loop, program):
        assert np.isinf(host.run(data, [{"step.lr": 0.1}], [1], budget=5, enough=never).metric).all()


def test_a_rule_sees_numpy_arrays_whatever_the_oracle_speaks(noisy, never):
    seen = set()

    def update(_, g, state, p, *rest):
        aux = rest[-1]
        seen.update(map(type, (g, p, aux.value + g, aux.grad(p), aux.hvp(p))))
        return p - 0.1 * g, state

    rule = Composite(parts={"step": Rule(init=lambda *_: {}, update=update, numbers={})})
    loop, data = prepared_noisy(noisy(), rule)
    seen.clear()  # products are counted on a trace
    loop.run(data, [{}], [1], budget=9, enough=never)
    assert seen == {np.ndarray}
