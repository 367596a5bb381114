"""The mark of what an answer shows, looked up where the answer is made: by the same thread, in the same snapshot."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from contextvars import ContextVar

from slotforge.lineage.reads.marks import Subject, marks
from slotforge.lineage.store import SqlStore


class Sight:
    """A context in which a subject is read. mark: its own, once it was entered; None where it has none."""

    def __init__(self, store: SqlStore, subject: Subject | None) -> None:
        self.mark: Hashable | None = None
        self._store, self._subject, self._open = store, subject, ExitStack()

    def __enter__(self) -> None:
        if self._subject:
            self._open.enter_context(self._store.reading())
            self.mark = marks(self._store, [self._subject]).get(self._subject)

    def __exit__(self, *_: object) -> None:
        self._open.close()


SIGHT: ContextVar[AbstractContextManager[None]] = ContextVar("sight")


def sight() -> AbstractContextManager[None]:
    """Return what the answer to the request under way is to be read in."""
    return SIGHT.get(nullcontext())
