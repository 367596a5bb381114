"""What a policy can read: the kind of each field, and which fields measure the same thing."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """One field of View.

    kind: "integer", "double" or "bool".
    unit: fields of one unit may stand for one another; empty for a field that stands alone.
    words: what it is, for people.
    """

    kind: str
    unit: str
    words: str


VIEW = {
    "conflicts": Field("integer", "", "conflicts"),
    "decisions": Field("integer", "work", "decisions"),
    "propagations": Field("integer", "work", "propagations"),
    "ticks": Field("integer", "", "ticks"),
    "restarts": Field("integer", "events", "restarts"),
    "reductions": Field("integer", "events", "reductions"),
    "rephases": Field("integer", "events", "rephases"),
    "mode_switches": Field("integer", "events", "mode switches"),
    "inprocessings": Field("integer", "events", "inprocessings"),
    "at.restart": Field("integer", "moment", "the last restart"),
    "at.reduction": Field("integer", "moment", "the last reduction"),
    "at.rephase": Field("integer", "moment", "the last rephase"),
    "at.mode_switch": Field("integer", "moment", "the last mode switch"),
    "at.inprocessing": Field("integer", "moment", "the last inprocessing"),
    "ticks_at_mode_switch": Field("integer", "", "ticks at the last mode switch"),
    "fixed_at_inprocessing": Field("integer", "", "variables fixed at the last inprocessing"),
    "mode": Field("mode", "", "the mode"),
    "variables": Field("integer", "variables", "variables"),
    "fixed": Field("integer", "variables", "fixed variables"),
    "assigned": Field("integer", "variables", "assigned variables"),
    "level": Field("integer", "level", "the decision level"),
    "irredundant": Field("integer", "clauses", "clauses of the formula"),
    "redundant": Field("integer", "clauses", "learned clauses"),
    "last.glue": Field("integer", "literals", "the last glue"),
    "last.size": Field("integer", "literals", "the last size"),
    "last.level": Field("integer", "level", "the level of the last conflict"),
    "last.jump": Field("integer", "level", "the level jumped back to"),
    "last.trail": Field("integer", "variables", "the trail at the last conflict"),
    "glue.fast": Field("double", "length", "recent glue"),
    "glue.slow": Field("double", "usual length", "usual glue"),
    "size.fast": Field("double", "length", "recent size"),
    "size.slow": Field("double", "usual length", "usual size"),
    "level_at_conflict.fast": Field("double", "depth", "recent conflict level"),
    "level_at_conflict.slow": Field("double", "usual depth", "usual conflict level"),
    "trail.fast": Field("double", "depth", "recent trail"),
    "trail.slow": Field("double", "usual depth", "usual trail"),
    "decision_rate.fast": Field("double", "", "recent decisions per conflict"),
    "decision_rate.slow": Field("double", "", "usual decisions per conflict"),
    "seed": Field("integer", "", "the seed"),
}

# Fields of the arguments' elements, by name.
ELEMENTS = {
    "score": "double",
    "level": "integer",
    "reason_glue": "integer",
    "last": "integer",
    "reason_side": "bool",
    "glue": "integer",
    "size": "integer",
    "used": "integer",
    "idle": "integer",
    "age": "integer",
    "activity": "double",
    "saved": "integer",
    "target": "integer",
    "best": "integer",
    "initial": "integer",
}

# Fields of an argument's elements that may stand for one another.
ALIKE = (
    ("glue", "size"),
    ("used", "idle"),
    ("saved", "target", "best", "initial"),
)

# The sources of phases that a PhaseMix weighs, in the order of its fields.
PHASES = ("keep", "best", "worst", "original", "inverted", "flipped", "random")


def twins(path: str) -> tuple[str, ...]:
    """Return the fields of View that measure the same thing as this one, and its other speed."""
    unit = VIEW[path].unit
    same = [other for other, about in VIEW.items() if unit and about.unit == unit and other != path]
    head, _, speed = path.rpartition(".")
    other_speed = {"fast": "slow", "slow": "fast"}.get(speed)
    return (*same, *([f"{head}.{other_speed}"] if other_speed else []))
