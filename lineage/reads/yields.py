"""What operators and models have brought in a run: how much was tried, measured and better than all before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from slotforge.core.types import Record
from slotforge.lineage import schema
from slotforge.lineage.queries import SCORED
from slotforge.lineage.store import SqlStore


class Yield(Record):
    """What an operator or a model has brought.

    trials: that it had a part in; scored: those that were measured in full; best: their least ratio.
    improved: how often it was better than all before.
    calls, tokens, usd: what its answers cost.
    """

    name: str
    trials: int
    scored: int
    best: float | None
    improved: int
    calls: int
    tokens: int
    usd: float


class Yields(Record):
    """What was brought by operators and by models, those with most trials first."""

    operators: tuple[Yield, ...]
    models: tuple[Yield, ...]


def yields(store: SqlStore, run: str, *, steps: Collection[int] = ()) -> Yields:
    """Sum up the proposals of a run.

    Args:
        steps: numbers of the trials that were better than all before; see `Curve`.
    """
    call = schema.Completion
    with store.reading() as connection:
        operators = _grouped(connection, run, [call.number], steps)
        models = _grouped(connection, run, [call.number, call.model], steps)
    return Yields(operators=operators, models=models)


def _grouped(connection: Connection, run: str, parts: Sequence[Any], steps: Collection[int]) -> tuple[Yield, ...]:
    """Group trials, each with what its answers cost; by model it counts for every one that answered."""
    trial, call = schema.Trial, schema.Completion
    tokens = func.sum(call.input_tokens + call.output_tokens).label("tokens")
    sums = (func.count().label("calls"), tokens, func.sum(call.usd).label("usd"))
    paid = select(*parts, *sums).where(call.run == run).group_by(*parts).subquery()
    by_model = len(parts) > 1
    name = paid.c.model if by_model else trial.operator
    scored = trial.state.in_(SCORED)
    query = (
        select(
            name.label("name"),
            func.count().label("trials"),
            func.sum(case((scored, 1), else_=0)).label("scored"),
            func.min(case((scored, trial.ratio))).label("best"),
            func.sum(case((trial.number.in_(steps), 1), else_=0)).label("improved"),
            *(func.coalesce(func.sum(paid.c[one]), 0).label(one) for one in ("calls", "tokens", "usd")),
        )
        .select_from(trial)
        .join(paid, paid.c.number == trial.number, isouter=not by_model)
        .where(trial.run == run, trial.number > 0)
        .group_by(name)
        .order_by(func.count().desc(), name)
    )
    return tuple(Yield(**row) for row in connection.execute(query).mappings())
