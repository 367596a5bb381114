"""One search of a comparison, and how many of them are run, kept, and not run again."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from slotforge.bench._command import say
from slotforge.bench._workers import workers
from slotforge.core.types import Record

SHARE = 64  # cells that a process gets at a time, at most
SHARES = 16  # that each process gets at least, so that little is lost when it ends


class Job(Record):
    """What defines a cell: equal jobs end alike.

    problem: a family, or what names one.
    code: what the search is made of, see `code_of`.
    """

    domain: str
    problem: str
    strategy: str
    seed: int
    budget: int
    model: str = "offline"
    code: str = ""


class Step(Record):
    """A better candidate than those before: after so many trials and calls, and CPU seconds of evaluation."""

    trials: int
    calls: int
    cpu_s: float
    value: float


class Cell(Record):
    """How one search went.

    value: of what it chose, as a ratio to the baseline's cost; lower is better.
    steps: values of its best so far, whenever that changed.
    trials, calls, tokens, usd: what it used.
    evaluation_cpu_s: CPU seconds of measuring its trials.
    own_cpu_s, started_cpu_s: CPU seconds of its own process, and of all that this started (compilers, solvers,
        checkers); None where only the former was counted.
    """

    job: Job
    value: float
    steps: tuple[Step, ...]
    trials: int
    calls: int
    tokens: int = 0
    usd: float = 0.0
    evaluation_cpu_s: float = 0.0
    own_cpu_s: float = 0.0
    started_cpu_s: float | None = None

    @property
    def cpu_s(self) -> float | None:
        """CPU seconds of all that it took, from its instances to its verdict; None where that was not counted."""
        return None if self.started_cpu_s is None else self.own_cpu_s + self.started_cpu_s


def code_of(*packages: str) -> str:
    """Name the files of some packages by their content: a search of other code is another one."""
    digest = hashlib.sha256()
    for package in packages:
        folder = Path(str(importlib.util.find_spec(package).origin)).parent  # type: ignore[union-attr]
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".md", ".hpp", ".cpp", ".json"):
                digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def complete(jobs: Sequence[Job], run: Callable[[Job], Cell], file: Path, processes: int) -> dict[Job, Cell]:
    """Run what the file does not have yet, and return all cells; each is kept as soon as it is known here."""
    wanted = {job.model_dump_json(): job for job in jobs}
    found = {key: cell for cell in _kept(file) if (key := cell.job.model_dump_json()) in wanted}
    left = [job for key, job in wanted.items() if key not in found]
    say(f"{len(found)} of {len(wanted)} searches are known from {file}" if found else f"{len(wanted)} searches")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as kept:
        kept.write("\n")  # ends a line that an interruption has cut
        told = 10 * len(found) // len(wanted)
        for cells in _run(left, run, processes):
            kept.writelines(f"{cell.model_dump_json()}\n" for cell in cells)
            kept.flush()
            found |= {cell.job.model_dump_json(): cell for cell in cells}
            if (tenth := 10 * len(found) // len(wanted)) > told:
                told = tenth
                say(f"{len(found)} of {len(wanted)} searches")
    return {wanted[key]: found[key] for key in wanted}


def _kept(file: Path) -> Iterable[Cell]:
    """Read the cells of a file; a line that an interruption has cut is none."""
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        with suppress(ValidationError):
            yield Cell.model_validate_json(line)


def _run(jobs: Sequence[Job], run: Callable[[Job], Cell], processes: int) -> Iterable[list[Cell]]:
    if processes == 1:
        yield from ([run(job)] for job in jobs)
        return
    share = max(1, min(SHARE, len(jobs) // (SHARES * processes)))
    shares = [jobs[start : start + share] for start in range(0, len(jobs), share)]
    with workers(processes) as pool:
        yield from (done.result() for done in as_completed([pool.submit(_several, run, share) for share in shares]))


def _several(run: Callable[[Job], Cell], jobs: Sequence[Job]) -> list[Cell]:
    return [run(job) for job in jobs]
