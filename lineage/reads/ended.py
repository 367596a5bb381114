"""What is remembered of runs that have ended, for as long as nothing about them changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Select, bindparam, func, select

from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import RunTotal

MOST = 512  # runs of a store
AT_WORK = "running"
Item = TypeVar("Item")


def mark(store: SqlStore, run: str) -> Hashable:
    """Return what changes whenever an ended run does: its end, its log, its verdicts, its trials, its job.

    Of a run that goes on, or is not there, it is None.
    """
    with store.reading() as connection:
        found = connection.execute(_mark(), {"of": run}).one_or_none()
    return None if found is None or found.state == AT_WORK else tuple(found)


@cache
def _mark() -> Select[Any]:
    of = bindparam("of", type_=Exact())
    run, event, verdict = schema.Run, schema.Event, schema.Verdict
    return (
        select(
            run.state,
            run.ended,
            RunTotal.trials,
            RunTotal.calls,
            RunTotal.cpu_s,
            Job.state.label("job"),
            Job.changed,
            select(func.max(event.id)).where(event.run == of).scalar_subquery(),
            select(func.max(verdict.id)).where(verdict.run == of).scalar_subquery(),
        )
        .outerjoin(RunTotal, RunTotal.run == run.id)
        .outerjoin(Job, Job.id == run.id)
        .where(run.id == of)
    )


class Memory(Generic[Item]):
    """Remembers one thing about each of the runs that were asked for last, of every store that is open."""

    def __init__(self) -> None:
        self._stores: WeakKeyDictionary[SqlStore, OrderedDict[Hashable, tuple[Hashable, Item]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, store: SqlStore, run: str, about: Hashable, make: Callable[[], Item]) -> Item:
        """Return what is remembered of a run, or make it.

        Args:
            about: what else it depends on.
        """
        now, key = mark(store, run), (run, about)
        with self._lock:
            known = self._stores.setdefault(store, OrderedDict())
            at, item = known.get(key, (None, None))
            if now is not None and at == now and item is not None:
                known.move_to_end(key)
                return item
        made = make()
        if now is not None:
            with self._lock:
                known[key] = (now, made)
                known.move_to_end(key)
                while len(known) > MOST:
                    known.popitem(last=False)
        return made
