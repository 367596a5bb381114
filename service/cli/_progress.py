"""Live progress on stderr: a moving display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from slotforge.core.types import Trial
from slotforge.search.archive import Archive
from slotforge.search.builtins import OPERATOR, title
from slotforge.service.cli._console import Plain

QUIET_S = 10.0  # without a terminal, at most one line of progress in so many seconds


class Display:
    """An observer that draws one bar per stage, and a line for each new best candidate."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._task: TaskID | None = None
        self._stage = ""
        self._total: int | None = None
        self._done = 0
        self._states: Counter[str] = Counter()
        self._best: Trial | None = None
        self._ratio: float | None = None
        self._said = 0.0

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    def begin(self, stage: str, total: int | None) -> None:
        """Start a bar, and take the one before it to be done."""
        self.end()
        self._stage, self._total, self._done, self._said = stage, total, 0, time.monotonic()
        if self._progress is None:
            self.note(f"{stage} ({total})" if total else stage)
            return
        self._task = self._progress.add_task(stage, total=total, facts="")

    def end(self) -> None:
        """Stop the bar; one whose length was not known is then full."""
        if self._progress is None or self._task is None:
            return
        if self._total is None:
            self._progress.update(self._task, total=max(1, self._done), completed=max(1, self._done))
        self._progress.stop_task(self._task)

    def close(self) -> None:
        """Stop drawing, so that the terminal is free for a question."""
        self.end()
        if self._progress is not None:
            self._progress.stop()

    def step(self) -> None:
        """Move the bar."""
        self._done += 1
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1)
        else:
            self._say(f"{self._stage}: {self._done}{f' of {self._total}' if self._total else ''}")

    def told(self, trial: Trial, archive: Archive) -> None:
        """Count the trial, and report a new best."""
        best = archive.best_so_far
        if best is not self._best and best is not archive.baseline:
            self._best = best
            self.found(_name(best), best.ratio or 1.0)
        self.count(trial.number, trial.state)

    def found(self, name: str, ratio: float) -> None:
        """Report a new best."""
        self._ratio = ratio
        self.note(f"{name}: {ratio:.3f} of the baseline's cost")

    def count(self, number: int, state: str) -> None:
        """Count a trial."""
        self._states[state] += 1
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=number, facts=self._facts())
        else:
            self._say(f"trial {number}{f' of {self._total}' if self._total else ''}: {self._facts()}")

    def _say(self, text: str) -> None:
        """Print a line of progress, unless one was printed just now."""
        if time.monotonic() - self._said > QUIET_S:
            self._said = time.monotonic()
            self.note(text)

    def _facts(self) -> str:
        best = f"best {self._ratio:.3f}  " if self._ratio is not None else ""
        return best + "  ".join(f"{state.replace('_', ' ')} {count}" for state, count in sorted(self._states.items()))


def _name(best: Trial) -> str:
    """Name a trial with the slots that its candidate replaces, or the built-in policy that it tried."""
    if best.operator.startswith(OPERATOR):
        return f"built-in {title(best)}"
    if best.number < 0:
        return f"{best.candidate.id if best.candidate else ''} of an earlier run"
    return f"trial {best.number} ({', '.join(best.candidate.slots) if best.candidate else ''})"


@contextmanager
def watching() -> Iterator[Display]:
    """Show progress for the length of a block."""
    console = Plain(stderr=True)
    if not console.is_terminal:
        yield Display(console, None)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[facts]}"),
    )
    with Progress(*columns, console=console) as progress:
        display = Display(console, progress)
        yield display
        display.end()
