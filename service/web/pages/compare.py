"""Two candidates beside each other: over all, by family, and instance by instance."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.views import candidates as candidate_view
from slotforge.service.views import comparison as view
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
    points = [point for point in found.points if family in ("", point.family)]
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
        rows=_rows(found),
        dots=[_dot(point) for point in points],
        cactus=(_solved(points, "a"), _solved(points, "b")) if family else (found.cactus_a, found.cactus_b),
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


def _rows(found: view.Comparison) -> list[Interval]:
    several = found.families if len(found.families) > 1 else {}
    named = ([("all", found.overall)] if found.overall else []) + sorted(several.items())
    return [Interval(name=name, ratio=one.ratio, low=one.low, high=one.high) for name, one in named]


def _ratio(point: view.Point) -> float:
    return point.a / point.b if point.b > 0 else 1.0


def _dot(point: view.Point) -> Dot:
    told = f"{point.name}: {number(point.a)} against {number(point.b)}"
    return Dot(x=point.b, y=point.a, title=told, kind=side(_ratio(point)))


def _solved(points: list[view.Point], which: str) -> list[float]:
    return [getattr(point, which) for point in points if getattr(point, f"{which}_outcome") == "solved"]
