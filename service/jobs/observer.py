"""What is said of a search while nobody watches: lines of its log."""

from __future__ import annotations

import logging
import time

from slotforge.core.types import Trial
from slotforge.search.archive import Archive

QUIET_S = 10.0  # at most one line of progress in so many seconds
log = logging.getLogger("slotforge.jobs")


class Logged:
    """An observer that writes into the log, and says how a search gets on."""

    def __init__(self) -> None:
        self._stage = ""
        self._done = 0
        self._best: Trial | None = None
        self._said = 0.0

    def note(self, text: str) -> None:
        """Write a line."""
        log.info("%s", text)

    def begin(self, stage: str, total: int | None) -> None:
        """Say that a stage begins."""
        self._stage, self._done, self._said = stage, 0, time.monotonic()
        self.note(f"{stage} ({total})" if total else stage)

    def step(self) -> None:
        """Count."""
        self._done += 1
        self._say(f"{self._stage}: {self._done}")

    def told(self, trial: Trial, archive: Archive) -> None:
        """Say where the search is, and what is best."""
        best = archive.best_so_far
        if best is not self._best and best is not archive.baseline:
            self._best = best
            self.note(f"trial {best.number}: {best.ratio:.3f} of the baseline's cost, the best so far")
        self._say(f"trial {trial.number}: {trial.state}")

    def _say(self, text: str) -> None:
        if time.monotonic() - self._said > QUIET_S:
            self._said = time.monotonic()
            self.note(text)
