"""Conditions on the search that a policy can be split or guarded by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slotforge.solvers.sat.vary.draw import choose, formatted, uniform
from slotforge.solvers.sat.vary.graft import Graft, param, recoded

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.sat.vary.policy import Policy


class Condition(NamedTuple):
    """A test of View `{view}`, perhaps against a tunable number `{bound}` between low and high.

    words: how it goes on after "policy, "; `{bound}` stands for the number.
    """

    code: str
    words: str
    bound: str = ""
    low: float = 0
    high: float = 0
    integral: bool = True


MODE = Condition("{view}.stable()", "in stable mode")
PHASES = (
    Condition("{view}.conflicts < {bound}", "for the first {bound} conflicts", "early", 500, 1000000),
    Condition("{view}.restarts < {bound}", "for the first {bound} restarts", "first_restarts", 4, 10000),
    Condition("{view}.mode_switches < {bound}", "for the first {bound} mode switches", "first_modes", 1, 40),
    Condition("{view}.mode_switches / 2 % 2 == 0", "in every other pair of modes"),
    Condition("{view}.reductions % 2 == 0", "between every other reduction"),
)
STATES = (
    MODE,
    Condition("!{view}.stable()", "in focused mode"),
    *PHASES[:2],
    Condition(
        "{view}.glue.fast < {bound} * {view}.glue.slow",
        "while glue is below {bound} of the usual",
        "calm",
        0.6,
        1.2,
        False,
    ),
    Condition(
        "{view}.glue.fast > {bound} * {view}.glue.slow",
        "while glue is above {bound} of the usual",
        "hurried",
        0.9,
        1.6,
        False,
    ),
    Condition(
        "{view}.trail.fast > {bound} * {view}.trail.slow",
        "while trails are longer than {bound} of the usual",
        "long_trail",
        0.9,
        1.6,
        False,
    ),
    Condition(
        "{view}.last.trail > {bound} * {view}.trail.slow",
        "after a trail beyond {bound} of the usual",
        "blocking",
        1.0,
        2.0,
        False,
    ),
    Condition("{view}.last.glue <= {bound}", "after a glue of at most {bound}", "low_glue", 2, 12),
    Condition(
        "{view}.last.level > {bound} * {view}.level_at_conflict.slow",
        "deeper than {bound} of the usual",
        "deep",
        0.5,
        2.0,
        False,
    ),
    Condition("{view}.decision_rate.slow < {bound}", "below {bound} decisions per conflict", "rate", 1.5, 100, False),
    Condition(
        "{view}.conflicts - {view}.at.restart < {bound}",
        "within {bound} conflicts of a restart",
        "after_restart",
        2,
        5000,
    ),
    Condition(
        "{view}.conflicts - {view}.at.mode_switch < {bound}",
        "within {bound} conflicts of a mode switch",
        "settling",
        10,
        20000,
    ),
    Condition(
        "{view}.conflicts - {view}.at.rephase < {bound}",
        "within {bound} conflicts of a rephase",
        "after_rephase",
        10,
        20000,
    ),
    Condition(
        "{view}.redundant > {bound} * {view}.irredundant",
        "with more than {bound} learned clauses per clause",
        "crowded",
        0.01,
        4.0,
        False,
    ),
    Condition(
        "{view}.fixed > {bound} * {view}.variables",
        "with more than {bound} of the variables fixed",
        "fixed_share",
        0.001,
        0.5,
        False,
    ),
)


def draw(condition: Condition, host: Policy, rng: Generator) -> tuple[Graft, str]:
    """Write a condition for a host with a drawn bound; returns it and its words."""
    view = host.arguments[0]
    if not condition.bound:
        return Graft(code=condition.code.format(view=view)), condition.words
    number = formatted(uniform(condition.low, condition.high, rng), condition.low, condition.high, condition.integral)
    low, high = (formatted(end, end, end, condition.integral) for end in (condition.low, condition.high))
    bound = param(host, condition.bound, number, low, high)
    return recoded(bound, condition.code.format(view=view, bound=bound.code)), condition.words.format(bound=number)


def any_state(host: Policy, rng: Generator) -> tuple[Graft, str]:
    """Draw one of the conditions on the state of the search."""
    return draw(choose(rng, STATES), host, rng)
