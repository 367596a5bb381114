"""Marks of runs and candidates, looked up together: who asks while a look is under way waits for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread

from slotforge.lineage.reads.marks import Subject, marks
from slotforge.lineage.store import SqlStore


@dataclass(eq=False)
class _Look:
    """A look that is to come. found: what it will have found."""

    found: asyncio.Future[Mapping[Subject, Hashable]]
    subjects: set[Subject] = field(default_factory=set)


class Looks:
    """Looks at a store; a look sees all that was written before it was asked for."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._next: _Look | None = None
        self._work: asyncio.Task[None] | None = None

    async def mark(self, subject: Subject) -> Hashable | None:
        """Return the mark of a subject; None where it has none."""
        if self._next is None:
            self._next = _Look(asyncio.get_running_loop().create_future())
        look = self._next
        look.subjects.add(subject)
        if self._work is None:
            self._work = asyncio.create_task(self._run())
        return (await asyncio.shield(look.found)).get(subject)

    async def _run(self) -> None:
        limiter = CapacityLimiter(1)  # of its own: it waits for no slow answer
        try:
            while look := self._next:
                self._next = None
                try:
                    found = await to_thread.run_sync(marks, self._store, look.subjects, limiter=limiter)
                except Exception as error:
                    look.found.set_exception(error)
                    look.found.exception()  # whoever asked may be gone
                else:
                    look.found.set_result(found)
        finally:
            self._work = None
