"""Rules that must behave the same have one key, others have not."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.solvers.optim import rule as rules
from slotforge.solvers.optim.key import key, thresholds

RULES = Path(rules.__file__).parent / "rules"
HP = 'HP = {"a": (0.1, 0.01, 1.0, "log"), "b": (0.1, 0.01, 1.0, "log")}\n'


def rule(answer: str, body: str = "", state: str = "{}", init: str = "{}", head: str = HP) -> str:
    lines = f"    {body}\n" if body else ""
    return (
        f'"""A."""\n{head}def init(xp, p):\n    return {init}\n'
        f"def update(xp, g, state, p, hp, t, aux):\n{lines}    return {answer}, {state}\n"
    )


def memory(name: str, local: str) -> str:
    return rule(
        f"p - {local}", f'{local} = 0.9 * state["{name}"] + g', f'{{"{name}": {local}}}', f'{{"{name}": 0 * p}}'
    )


SAME = {
    "words": (rule("p - g"), rule("p - g").replace('"""A."""', "# something else")),
    "names": (memory("m", "x"), memory("v", "y")),
    "order of a sum": (rule("p + g"), rule("g + p")),
    "order of a product": (rule('p - hp["a"] * g'), rule('p - g * hp["a"]')),
    "names of numbers": (rule('p - hp["a"] * g'), rule('p - hp["b"] * g')),
    "folding": (rule("p - 2 * 3 * g"), rule("p - 6 * g")),
    "neutral": (rule("p - 1 * g + 0"), rule("p - g / 1")),
    "signs": (rule("p - (-g)"), rule("p + g")),
    "a local": (rule("p - x", "x = 2 * g"), rule("p - 2 * g")),
    "dead code": (rule("p - g", "x = 2 * g"), rule("p - g")),
    "dead state": (rule("p - g", state='{"m": g}', init='{"m": p}'), rule("p - g")),
    "a helper": (rule("p - f(g)", head=HP + "def f(x):\n    return 2 * x\n"), rule("p - 2 * g")),
    "a constant": (rule("p - K * g", head=HP + "K = 2\n"), rule("p - 2 * g")),
}
DIFFERENT = {
    "sides": (rule("p - g"), rule("g - p")),
    "constants": (rule("p - 2 * g"), rule("p - 3 * g")),
    "numbers apart": (rule('hp["a"] * p - hp["b"] * g'), rule('hp["a"] * p - hp["a"] * g')),
    "ranges": (rule('p - hp["a"] * g'), rule('p - hp["a"] * g').replace("0.01", "0.001")),
    "start of the state": (memory("m", "x"), memory("m", "x").replace("0 * p", "p")),
    "how often is asked": (rule("aux.grad(p) + aux.grad(p)"), rule("x + x", "x = aux.grad(p)")),
    "branches": (rule("p if p.ndim == 1 else g"), rule("p if p.ndim == 2 else g")),
}


@pytest.mark.parametrize("name", SAME)
def test_what_computes_the_same_has_one_key(name: str) -> None:
    one, other = SAME[name]
    assert key(one) == key(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_computes_something_else_has_another_key(name: str) -> None:
    one, other = DIFFERENT[name]
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "answer",
    ["p - xp.where(t > 500, 3 * g, g)", "p - g * xp.floor(t / 500)", "p - xp.clip(g, -1e6, 1e6)", "p - g * (t // 500)"],
)
def test_what_compares_or_rounds_is_known_by_how_it_is_made(answer: str) -> None:
    assert thresholds(rule(answer)) == key(rule(answer)) == key(rule(f"({answer})", "x = g"))
    assert thresholds(rule("p - g / (1 + xp.abs(g))")) == ""


def test_rules_that_ship_differ_but_for_those_that_do_nothing() -> None:
    found: dict[str, set[str]] = {}
    for path in RULES.glob("*/[!_]*.py"):
        found.setdefault(key(path.read_text()), set()).add(path.stem)
    assert [names for names in found.values() if len(names) > 1] in ([], [{"identity", "none", "constant"}])
