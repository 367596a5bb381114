"""What was spent, by month, owner and model."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.lineage import ledger
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
SUMS = ("runs", "prompt_searches", "calls", "usd", "cpu_s")
TOKENS = ("input_tokens", "output_tokens", "unanswered_tokens")


@router.get("/usage", dependencies=[Depends(reader)])
def usage(request: Request, context: Annotated[Context, Depends(context_of)]) -> Response:
    """Tell what was spent."""
    lines = ledger.usage(context.store)
    totals = {name: sum(getattr(line, name) for line in lines) for name in (*SUMS, *TOKENS)}
    months: dict[str, dict[str, float]] = {}
    for line in reversed(lines):
        month = months.setdefault(line.month, dict.fromkeys(("usd", "cpu_s"), 0.0))
        month["usd"] += line.usd
        month["cpu_s"] += line.cpu_s
    tokens = sum(totals[name] for name in TOKENS)
    return page(request, "usage.html", lines=lines, totals=totals, tokens=tokens, months=months)
