"""Where candidates come from, as a tree that can be zoomed, and as a list."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.views import graph, runs
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
Within = Annotated[Context, Depends(context_of)]


@router.get("/runs/{run}/lineage", dependencies=[Depends(reader)])
def of_run(request: Request, run: str, context: Within) -> Response:
    """Show what a run made of what."""
    id_ = runs.run_id(context.store, run)
    return _page(request, graph.run_graph(context.store, id_), f"Lineage of run {id_}", f"/runs/{id_}")


@router.get("/candidates/{candidate}/lineage", dependencies=[Depends(reader)])
def of_candidate(request: Request, candidate: str, context: Within) -> Response:
    """Show the ancestors of a candidate."""
    found = graph.ancestors(context.store, candidate)
    return _page(request, found, f"Ancestors of {found.root}", f"/candidates/{found.root}")


def _page(request: Request, found: graph.Graph, title: str, back: str) -> Response:
    scored = [node for node in found.nodes if node.ratio is not None]
    best = found.root or (min(scored, key=lambda node: node.ratio or 0.0).candidate if scored else "")
    known = {node.candidate for node in found.nodes if node.run is not None}
    return page(request, "lineage.html", graph=found, title=title, back=back, best=best, known=known)
