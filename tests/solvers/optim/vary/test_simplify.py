"""What is simplified computes the same to the last bit, and is shorter."""

from __future__ import annotations

import array_api_compat.numpy as xp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.solvers.optim.vary.draft import read, size
from slotforge.solvers.optim.vary.layout import write
from slotforge.solvers.optim.vary.simplify import simplify

RULE = '''"""A."""
HP = {{"lr": (0.1, 1e-3, 1.0, "log")}}


def init(xp, p):
    return {{"m": xp.zeros_like(p)}}


def update(xp, g, state, p, hp, t, aux):
    m = 0.9 * state["m"] + g
    return p - hp["lr"] * {answer}, {{"m": m}}
'''
SHORTER = {
    "xp.abs(xp.abs(g))": "xp.abs(g)",
    "xp.sign(xp.sign(g))": "xp.sign(g)",
    "xp.square(xp.abs(g - m))": "xp.square(g - m)",
    "xp.abs(-g)": "xp.abs(g)",
    "xp.square(-xp.abs(g))": "xp.square(g)",
    "xp.abs(-(-g))": "xp.abs(g)",
    "xp.maximum(g * m, g * m)": "(g * m)",
    "(1 * g + 0)": "g",
}
KEPT = [
    "xp.sum(xp.where(g > m, xp.sum(m), xp.sum(m)))",  # as many as g has entries
    "xp.sign(xp.abs(g))",
    "xp.maximum(g, m)",
    "xp.where(g > m, g, m)",
    "xp.sqrt(xp.sqrt(xp.abs(g)))",
]


def written(answer: str) -> str:
    return write(read("step", RULE.format(answer=answer)))


def steps(source: str, seed: int) -> list[np.ndarray]:
    """Take five steps over random gradients, zeros and large numbers among them."""
    names: dict[str, object] = {}
    exec(source, names)
    init, update = names["init"], names["update"]
    assert callable(init)
    assert callable(update)
    rng, p = generator(seed), np.zeros(6)
    state, found = init(xp, p), []
    for t in range(1, 6):
        g = rng.standard_normal(6) * 10.0 ** rng.integers(-3, 4, 6) * (rng.random(6) < 0.8)
        p, state = update(xp, g, state, p, {"lr": 0.1}, float(t), None)
        found.append(p)
    return found


@pytest.mark.parametrize(("long", "short"), SHORTER.items())
def test_what_changes_nothing_goes(long: str, short: str) -> None:
    assert written(long) == written(short)


@pytest.mark.parametrize("answer", KEPT)
def test_what_changes_something_stays(answer: str) -> None:
    assert answer.replace(" ", "") in written(answer).replace(" ", "")


EXPRESSIONS = st.recursive(
    st.sampled_from(["g", "m", "p", 'state["m"]']),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        st.tuples(st.sampled_from(["abs", "sign", "square", "floor"]), inner).map(
            lambda part: f"xp.{part[0]}({part[1]})"
        ),
        st.tuples(st.sampled_from(["maximum", "minimum"]), inner, inner).map(
            lambda part: f"xp.{part[0]}({part[1]}, {part[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda part: f"xp.where({part[0]} > 0, {part[1]}, {part[2]})"),
        st.tuples(st.sampled_from(["-{}", "1 * {}", "{} + 0", "{} / 1", "0 - {}"]), inner).map(
            lambda part: f"({part[0].format(part[1])})"
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(inner=EXPRESSIONS, seed=st.integers(0, 99))
def test_it_computes_the_same_and_is_no_longer(inner: str, seed: int) -> None:
    source = RULE.format(answer=f"{inner}")
    draft = read("step", source)
    before = sum(map(size, draft.functions.values()))
    simplify(draft)
    assert sum(map(size, draft.functions.values())) <= before
    for one, other in zip(steps(source, seed), steps(write(draft), seed), strict=True):
        np.testing.assert_array_equal(one, other)
