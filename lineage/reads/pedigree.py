"""What a run made of what."""

from __future__ import annotations

from sqlalchemy import select

from slotforge.lineage import schema
from slotforge.lineage.reads.trials import lines
from slotforge.lineage.records import Ancestor
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED


def of_run(store: SqlStore, run: str, *, most: int) -> tuple[tuple[Ancestor, ...], bool]:
    """List the scored candidates of a run with what they were made from, the best first.

    Returns:
        Each candidate once, by its best trial, and whether there are more than so many.
    """
    trial = schema.Trial
    query = (
        select(trial.__table__)
        .where(trial.run == run, trial.state.in_(SCORED), trial.ratio.is_not(None), trial.candidate.is_not(None))
        .order_by(trial.ratio, trial.number)
        .limit(most + 1)
    )
    with store.reading() as connection:
        found = lines(connection, connection.execute(query).mappings().all())
    first = {line.candidate: line for line in reversed(found[:most])}
    made = tuple(
        Ancestor(
            candidate=candidate,
            generation=0,
            **{
                name: getattr(line, name)
                for name in ("state", "parents", "operator", "slots", "run", "number", "ratio")
            },
        )
        for candidate, line in reversed(first.items())
        if candidate
    )
    return made, len(found) > most
