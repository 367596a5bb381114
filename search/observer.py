"""Watching a search from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from slotforge.core.notes import grouped
from slotforge.core.types import Trial
from slotforge.search.archive import Archive


class Observer(Protocol):
    """Is told what happens; the command line shows its progress through one."""

    def note(self, text: str) -> None:
        """One line that the user should see."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage of so many steps begins; None where the number is not known."""

    def step(self) -> None:
        """One step of the stage is done."""

    def told(self, trial: Trial, archive: Archive) -> None:
        """A trial has been taken in."""


def warn(observer: Observer, warnings: Sequence[str], everywhere: str = "") -> None:
    """Note warnings, those of one kind together.

    everywhere: where all of them stand, if anywhere.
    """
    shown = grouped(warnings)
    for line in shown:
        observer.note(line)
    if everywhere and len(shown) < len(warnings):
        observer.note(f"all {len(warnings)} warnings stand in {everywhere}")


class Silent:
    """An observer that looks away."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def begin(self, stage: str, total: int | None) -> None:
        """Ignore it."""

    def step(self) -> None:
        """Ignore it."""

    def told(self, trial: Trial, archive: Archive) -> None:
        """Ignore it."""
