"""Policies on the test sets of a published table, beside what was published of them and of the systems of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from slotforge.bench._command import say
from slotforge.bench._result import Cell, Table
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Candidate, Record
from slotforge.search import worker

if TYPE_CHECKING:
    from slotforge.solvers.policy.domain import Judged, Policies
    from slotforge.solvers.policy.families import Content


class Course(Record):
    """What is measured on.

    domain: its name.
    sets: families with a test set, by the title of their column.
    instances: of each test set, at most.
    """

    domain: str
    sets: Mapping[str, str]
    instances: int | None = None


def candidates(domain: str, policies: Sequence[str], refs: Sequence[str], store: str | None) -> dict[str, Candidate]:
    """Find built-in policies by name, and candidates of the store by id or the beginning of one.

    Raises:
        UsageError: there is no such policy, or a candidate is of another domain.
    """
    (slot,) = worker.domain(domain).slots().values()
    if unknown := [name for name in policies if name not in slot.variants]:
        raise UsageError(f"no {slot.name} called '{unknown[0]}': choose one of {', '.join(slot.variants)}")
    found = {name: Candidate(domain=domain, slots={slot.name: slot.variants[name]}) for name in policies}
    if refs:
        from slotforge.lineage import queries
        from slotforge.lineage.store import open_store

        with open_store(store, new=False) as opened:
            found |= {ref: queries.candidate(opened, ref) for ref in refs}
    if other := [name for name, candidate in found.items() if candidate.domain != domain]:
        raise UsageError(f"{other[0]} is a candidate of {found[other[0]].domain}, not of {domain}")
    return found


def measure(
    course: Course, found: Mapping[str, Candidate], gap: Callable[[str, Sequence[Judged]], float]
) -> dict[str, dict[str, float]]:
    """Let every candidate solve every instance.

    Args:
        course: what to measure on.
        found: candidates by name.
        gap: of the answers on a test set, in percent.

    Returns:
        Gaps by name and column.

    Raises:
        SlotforgeError: a candidate fails, or gives a wrong answer.
    """
    domain: Policies = worker.domain(course.domain)  # type: ignore[assignment]
    gaps: dict[str, dict[str, float]] = {name: {} for name in found}
    for column, family in course.sets.items():
        contents = _published(course.domain, family)[: course.instances]
        for name, candidate in found.items():
            gaps[name][column] = gap(column, [_judged(domain, name, candidate, content) for content in contents])
        say(f"measured {family}")
    return gaps


def _published(domain: str, family: str) -> Sequence[Content]:
    from slotforge.solvers.policy.families import make

    return make(f"slotforge.solvers.{domain}.families", family)[0].published()


def _judged(domain: Policies, name: str, candidate: Candidate, content: Content) -> Judged:
    reply = domain.apply(candidate, content)
    if reply.outcome != "answered":
        raise SlotforgeError(f"{name}: {reply.outcome}: {reply.reason}")
    if (judged := domain.judge(content, reply.answer)).fault:
        raise SlotforgeError(f"{name}: wrong: {judged.fault}")
    return judged


def table(
    title: str,
    gaps: Mapping[str, Mapping[str, float]],
    published: Mapping[str, Sequence[float]],
    columns: Sequence[str],
    note: str,
) -> Table:
    """Put what was measured above what was published, each with its average."""
    shown = {name: [own[column] for column in columns] for name, own in gaps.items()}
    shown |= {f"published: {name}": list(figures) for name, figures in published.items()}
    rows: list[tuple[Cell, ...]] = [
        (name, *(f"{one:.2f}" for one in figures), f"{fmean(figures):.2f}") for name, figures in shown.items()
    ]
    return Table(title=title, columns=("", *columns, "average"), rows=tuple(rows), note=note)


def disagreements(
    gaps: Mapping[str, Mapping[str, float]],
    published: Mapping[str, Sequence[float]],
    known: Mapping[str, str],
    *,
    within: float,
) -> tuple[str, ...]:
    """Name the figures that do not come out as published.

    Args:
        gaps: as measured.
        published: by the name in the table.
        known: our name of a policy to that in the table.
        within: so much they may differ, in percentage points.
    """
    return tuple(
        f"{ours} on {column}: {own:.3f} %, and {figure:.2f} % was published"
        for ours, theirs in known.items()
        if ours in gaps
        for (column, own), figure in zip(gaps[ours].items(), published[theirs], strict=True)
        if abs(own - figure) > within
    )
