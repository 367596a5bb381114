"""Two candidates beside each other: over all, by family, and instance by instance."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Outcome
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.views import candidates as candidate_view
from slotforge.service.views import comparison as view
from slotforge.service.views.cactus import solved
from slotforge.service.views.candidates import Split
from slotforge.service.web.charts import Dot, Interval
from slotforge.service.web.pages.candidate import terms
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page
from slotforge.service.web.words import number, side

router = pages()
BASELINE = "baseline"
ROWS = 200  # of the table of instances


@router.get("/compare", dependencies=[Depends(reader)])
def compare(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    a: Annotated[str, Query(max_length=64)] = "",
    b: Annotated[str, Query(max_length=64)] = BASELINE,
    family: Annotated[str, Query(max_length=200)] = "",
    split: list[Split] = Query(default_factory=list),  # noqa: B008
) -> Response:
    """Compare two candidates, or ask which."""
    if not a.strip():
        return page(request, "compare.html", found=None, a="", b=b)
    found = view.compare(context.store, *_ids(context, a, b), splits=split)
    baseline = Candidate(domain=found.domain).id
    points, mean, lines = _within(found, family), _of(found, family), _lines(found)
    return page(
        request,
        "compare.html",
        found=found,
        a=BASELINE if found.a == baseline else found.a,
        b=BASELINE if found.b == baseline else found.b,
        family=family,
        chosen=split,
        splits=list(Split),
        terms=terms(found.domain),
        lines=lines,
        rows=[_interval(line.family or "all", line.ratio) for line in lines if line.ratio],
        dots=[_dot(point) for point in points],
        mean=_interval("mean ratio", mean) if mean else None,
        cactus=(solved(points, "a"), solved(points, "b")),
        worst=sorted(points, key=lambda point: -_ratio(point))[:ROWS],
        ratio_of=_ratio,
        total=len(points),
    )


def _ids(context: Context, *refs: str) -> tuple[str, ...]:
    """Complete two ids; the baseline is that of the domain of the other."""
    known = [None if ref.strip() in ("", BASELINE) else candidate_view.candidate(context.store, ref) for ref in refs]
    domain = next((one.domain for one in known if one), None)
    if domain is None:
        raise UsageError("the baseline cannot be compared to itself: give the id of a candidate")
    return tuple(one.id if one else Candidate(domain=domain).id for one in known)


class Line(NamedTuple):
    """What is told of the runs on a family, or on all. ratio: None where none came to an end for both."""

    family: str
    ratio: view.Ratio | None
    runs: int
    solved: tuple[int, int]


def _lines(found: view.Comparison) -> list[Line]:
    """Tell of all families together, and of each where there are several."""
    names = sorted({point.family for point in found.points})
    return [_line(found, name) for name in ("", *(names if len(names) > 1 else ()))]


def _line(found: view.Comparison, family: str) -> Line:
    points = _within(found, family)
    outcomes = ([point.a_outcome for point in points], [point.b_outcome for point in points])
    solved_a, solved_b = (each.count(Outcome.SOLVED) for each in outcomes)
    return Line(family, _of(found, family), len(points), (solved_a, solved_b))


def _within(found: view.Comparison, family: str) -> list[view.Point]:
    return [point for point in found.points if family in ("", point.family)]


def _of(found: view.Comparison, family: str) -> view.Ratio | None:
    """Return the ratio on a family, or over all; of a single family that is the same."""
    every = not family or {point.family for point in found.points} == {family}
    return found.overall if every else found.families.get(family)


def _interval(name: str, one: view.Ratio) -> Interval:
    return Interval(name=name, ratio=one.ratio, low=one.low, high=one.high)


def _ratio(point: view.Point) -> float:
    return point.a / point.b if point.b > 0 else 1.0


def _dot(point: view.Point) -> Dot:
    told = f"{point.name}: {number(point.a)} against {number(point.b)}"
    return Dot(x=point.b, y=point.a, title=told, kind=side(_ratio(point)))
