"""The errors that slotforge raises: one tree, each message one line that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping


class SlotforgeError(Exception):
    """Something that the user can mend; the command line prints its message alone and exits with 1."""


class UsageError(SlotforgeError):
    """The request itself is wrong: an unknown name, a value out of range; the command line exits with 2."""


class FormulaError(SlotforgeError):
    """A CNF file cannot be read: the message holds file, line and reason."""


class Unfit(SlotforgeError):
    """A candidate cannot be built, is refuted, or fails, by whomever it is measured."""


class BuildError(Unfit):
    """A candidate's source was refused by a check or by the compiler: the message is the first diagnosis.

    log: all that the compiler said, by slot.
    """

    def __init__(self, message: str = "", *, log: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.log = dict(log or {})


class SandboxError(SlotforgeError):
    """The sandbox cannot give the isolation that was asked for."""


class StoreError(SlotforgeError):
    """The database cannot be read or written, or does not hold what was asked for."""


class Unavailable(StoreError):
    """The database cannot be reached or is busy, as while its server restarts: the same may well succeed later."""


class UnknownId(UsageError, StoreError):
    """An id that the database does not hold, or the beginning of several: the store is sound, the request is not.

    store: name of the database, where the message says it; `elsewhere` is the message for another machine.
    """

    def __init__(self, message: str, *, store: str = "") -> None:
        super().__init__(message)
        self.store = store

    @property
    def elsewhere(self) -> str:
        """The message without the name of the database."""
        return str(self).replace(f" in {self.store}", "", 1) if self.store else str(self)


class Conflict(UsageError):
    """What is asked for does not fit how things stand: a name that is taken, or a run that has ended."""


class Dropped(UsageError, StoreError):
    """What is asked for was dropped by `slotforge db prune`: the store is sound, the request is not."""


class ModelError(SlotforgeError):
    """A chat model did not answer: endpoint down, refused, out of budget, or a replay that has no answer."""


class Unreachable(ModelError):
    """The server of a chat model is down, busy or broken: it may answer later."""


class NotRecorded(ModelError):
    """A replay has no answer to this."""


class WorkerLost(SlotforgeError):
    """A worker was killed that measured: the same may well succeed when it is tried again."""


class KillsWorkers(Unfit):
    """What was to be measured has taken several workers with it, one after the other: it is not tried again."""


class BudgetExhausted(SlotforgeError):
    """A call was not made because it could have passed a budget."""
