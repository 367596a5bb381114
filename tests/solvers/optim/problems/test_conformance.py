"""What every family of problems promises to the evaluator, and to the rules."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.core import registry
from slotforge.solvers import optim
from slotforge.solvers.optim.problems._family import Family

PACKAGE = "slotforge.solvers.optim.problems"
NAMES = list(registry.names(PACKAGE))
SELECTIONS = [name for name in NAMES if registry.load(PACKAGE, name).family.role == "selection"]
SPLITS = ("search", "select", "holdout")
STEPS = 3


@pytest.fixture(params=NAMES)
def family(request):
    return registry.load(PACKAGE, request.param).family


def drawn(family, seed=0, knobs=None):
    knobs = family.splits["search"][0] if knobs is None else knobs
    return family.draw({**family.knobs, **knobs}, np.random.default_rng(seed))


def begun(family, data, seed=0):
    start = family.start(data, np.random.default_rng([seed, 1]))
    return start, family.table(data, STEPS, np.random.default_rng([seed, 2]))


def first(table):
    return jax.tree.map(lambda rows: jnp.asarray(rows[0]), table)


def shapes(tree):
    return jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), tree)


def alike(one, other):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def finite(tree):
    return all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(tree))


def asked(family, data, start, table):
    """Call the oracle once."""
    arrays = jax.tree.map(jnp.asarray, (dict(data), start))
    return jax.jit(lambda data, p, row: family.oracle(data, p, row, {}))(*arrays, first(table))


def test_a_family_is_found_by_its_name_and_says_what_it_is(family):
    assert isinstance(family, Family)
    assert family.name in NAMES
    assert registry.names(PACKAGE)[family.name].endswith(".")
    assert family.role in ("step", "selection")
    assert 0 < family.quantile < 1
    assert family.floor < family.goal
    assert 0 < family.stride <= family.budget


def test_splits_set_known_knobs_and_share_no_setting(family):
    assert set(family.splits) == set(SPLITS)
    settings = [tuple(sorted({**family.knobs, **knobs}.items())) for split in SPLITS for knobs in family.splits[split]]
    assert all(family.splits[split] for split in SPLITS)
    assert all(set(knobs) <= set(family.knobs) for split in SPLITS for knobs in family.splits[split])
    owners = {split: set(_settings(family, split)) for split in SPLITS}
    assert len(settings) == len(set(settings)) == sum(len(owners[split]) for split in SPLITS)


def _settings(family, split):
    return [tuple(sorted({**family.knobs, **knobs}.items())) for knobs in family.splits[split]]


def test_the_holdout_has_a_value_of_a_knob_that_the_other_splits_have_not(family):
    seen = {item for split in ("search", "select") for setting in _settings(family, split) for item in setting}
    assert any(set(setting) - seen for setting in _settings(family, "holdout"))


def test_specialists_are_files(family):
    folder = Path(optim.__file__).parent
    assert family.specialists
    for name in family.specialists:
        parts = dict(part.split("=") if "=" in part else ("step", part) for part in name.split(","))
        places = {slot: folder / slot if slot == "blackbox" else folder / "rules" / slot for slot in parts}
        assert all((places[slot] / f"{rule}.py").is_file() for slot, rule in parts.items())


def test_a_seed_is_a_problem_and_a_run(family):
    one, again, other = drawn(family, 0), drawn(family, 0), drawn(family, 1)
    assert alike(one, again)
    assert alike(begun(family, one), begun(family, one))
    assert shapes(one) == shapes(other)
    assert not alike(one, other) or not alike(begun(family, one), begun(family, other, 1))
    assert family.rank(one) == family.rank(other) >= 0


def test_runs_differ_by_seed_where_the_family_says_so_and_only_there(family):
    data = drawn(family)
    assert alike(begun(family, data, 0), begun(family, data, 1)) != family.random


def test_a_table_has_a_row_for_each_step(family):
    _, table = begun(family, drawn(family))
    assert all(len(rows) == STEPS for rows in jax.tree.leaves(table))


def test_oracle_and_metric_are_finite_and_shaped_like_the_point(family):
    data = drawn(family)
    start, table = begun(family, data)
    value, g = asked(family, data, start, table)
    metric = family.metric(data, jax.tree.map(jnp.asarray, start))
    assert np.shape(metric) == ()
    assert np.shape(value) == (np.shape(start)[:1] if family.nodes else ())
    assert finite((value, g, metric))
    assert float(metric) > family.goal
    assert {np.asarray(leaf).dtype for leaf in jax.tree.leaves(start)} == {np.dtype(family.dtype)}
    if family.role == "step":
        assert shapes(g) == shapes(start)


def test_one_call_costs_one_when_nothing_is_asked_of_the_step(family):
    charge = float(family.charge({}))
    assert charge == 1 if family.role == "step" else charge > 0


@pytest.mark.parametrize("name", SELECTIONS)
def test_selection_sees_one_parent_among_the_values(name):
    family = registry.load(PACKAGE, name).family
    data = drawn(family)
    start, table = begun(family, data)
    _, values = asked(family, data, start, table)
    parent = np.asarray(family.parent(data))
    assert values.shape == parent.shape
    assert sorted(parent)[-2:] == [0, 1]
    kept = family.apply(data, jnp.asarray(start), jnp.asarray(parent), first(table))
    assert np.array_equal(kept, start)


def test_all_settings_can_be_drawn_and_searches_are_small(family):
    for split in ("search", "select"):
        for knobs in family.splits[split]:
            data = drawn(family, 0, knobs)
            assert finite({name: x for name, x in data.items() if np.asarray(x).dtype.kind == "f"})
            assert sum(np.asarray(x).nbytes for x in jax.tree.leaves(dict(data))) < 2**23


def test_many_runs_go_through_one_program(family):
    data = jax.tree.map(jnp.asarray, dict(drawn(family)))
    starts, tables = zip(*(begun(family, data, seed) for seed in range(2)), strict=True)
    points = jax.tree.map(lambda *x: jnp.stack(x), *starts)
    rows = jax.tree.map(lambda *x: jnp.stack([y[:1] for y in x]), *tables)

    def call(data, p, table):
        value, g = family.oracle(data, p, first(table), {})
        return value, g, family.metric(data, p)

    values, slopes, metrics = jax.jit(jax.vmap(call, in_axes=(None, 0, 0)))(data, points, rows)
    assert metrics.shape == values.shape[:1] == (2,)
    one = jax.jit(call)(data, jax.tree.map(lambda x: x[1], points), jax.tree.map(lambda x: x[1], rows))
    together = (values[1], jax.tree.map(lambda x: x[1], slopes), metrics[1])
    tolerance = 1e-9 if family.dtype == "float64" else 1e-3
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(together), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def test_numpy_alone_says_what_jax_says_where_precision_is_double(family):
    if family.dtype != "float64":
        assert family.dtype == "float32"  # of networks, whose reference is a small problem
        return
    for knobs in (*family.splits["search"], *family.splits["holdout"][:1]):
        data = drawn(family, knobs=knobs)
        p, table = begun(family, data)
        p = p + np.random.default_rng(3).standard_normal(p.shape) * (family.role == "step")
        row = jax.tree.map(lambda rows: rows[0], table)
        mine = [*family.oracle(data, p, row, {}), family.metric(data, p)]
        other = jax.tree.map(jnp.asarray, (dict(data), p, row))
        theirs = [*jax.jit(lambda d, p, row: family.oracle(d, p, row, {}))(*other), family.metric(other[0], other[1])]
        for one, two in zip(mine, theirs, strict=True):
            assert isinstance(one, np.ndarray | np.generic)
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9 * np.abs(two).max())
        moved = p - 0.1 * mine[1] if family.role == "step" else -mine[1]
        here, there = family.apply(data, p, moved, row), family.apply(other[0], other[1], jnp.asarray(moved), other[2])
        assert isinstance(here, np.ndarray)
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-12)
