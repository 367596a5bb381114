"""Look for a wrong answer: random formulas, random policies and numbers, every answer checked."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from slotforge.bench import _formulas, _judge, _policies
from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Result, Table, content
from slotforge.bench._workers import workers
from slotforge.core.ids import LARGEST_SEED, generator
from slotforge.solvers.sat import cnf

BLOCK = 50  # formulas that a worker takes at once
SESSION_EVERY = 8
TRIM_EVERY = 20  # of the unsatisfiable ones, about: the number of the formula decides


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A formula on which something was wrong, with what makes it happen again."""

    number: int
    kind: str
    reasons: tuple[str, ...]
    arguments: tuple[str, ...]
    dimacs: bytes


@dataclass(kw_only=True)
class Tally:
    """What a campaign has seen.

    counts: answers, proofs, and counters of the engine.
    kinds: formulas by kind.
    pairs: formulas by slot and policy; variations of one slot count together.
    """

    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    pairs: Counter[_policies.Pair] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another has seen."""
        self.counts.update(other.counts)
        self.kinds.update(other.kinds)
        self.pairs.update(other.pairs)
        self.faults += other.faults


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What is drawn, and what judges it; the same seed draws the same formulas and policies.

    engine: the program under test.
    varied: variations of policies besides the built-in ones.
    """

    seed: int
    engine: str
    varied: Sequence[_policies.Choice] = ()
    drat_trim: str | None = None

    def run(self, count: int, *, jobs: int) -> Iterator[Tally]:
        """Judge the formulas 0 to count - 1, and yield the tally so far after each block."""
        tally = Tally()
        starts = range(0, count, BLOCK)
        with workers(jobs) as pool:
            for part in pool.map(self.block, starts, [min(start + BLOCK, count) for start in starts]):
                tally.add(part)
                yield tally

    def block(self, start: int, end: int) -> Tally:
        """Judge the formulas from start to end - 1."""
        tally = Tally()
        with tempfile.TemporaryDirectory(prefix="slotforge-soundness-") as folder:
            tools = _judge.Tools(engine=self.engine, folder=Path(folder), drat_trim=self.drat_trim)
            for number in range(start, end):
                self._one(number, tools, tally)
        return tally

    def _one(self, number: int, tools: _judge.Tools, tally: Tally) -> None:
        kind, formula = _formulas.draw(generator(self.seed, number, "formula"))
        pairs, arguments = _policies.draw(
            number, generator(self.seed, number, "policies"), engine=self.engine, varied=self.varied
        )
        judged = [_judge.judge(formula, arguments, tools, binary=number % 2 == 1, trim=number // 2 % TRIM_EVERY == 0)]
        if number % SESSION_EVERY == 0:
            judged.append(_judge.judge_session(formula, arguments, tools, generator(self.seed, number, "session")))
        for one in judged:
            tally.counts.update(one.counts)
        tally.counts["formulas"] += 1
        tally.kinds[kind] += 1
        tally.pairs.update((slot, "variations" if os.sep in policy else policy) for slot, policy in pairs)
        if reasons := tuple(fault for one in judged for fault in one.faults):
            tally.faults.append(
                Fault(
                    number=number, kind=kind, reasons=reasons, arguments=tuple(arguments), dimacs=cnf.to_dimacs(formula)
                )
            )


@benchmark
@click.option("--formulas", default=20_000, show_default=True, type=click.IntRange(1))
@click.option("--variations", default=240, show_default=True, type=click.IntRange(0), help="Policies to compile.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, LARGEST_SEED))
@click.option("--jobs", type=click.IntRange(1), help="Formulas at once. [default: number of cores]")
@click.option("--engine", type=click.Path(path_type=Path, exists=True), help="To test. [default: slotforge-sat]")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for formulas with a fault. [default: none]")
def command(
    formulas: int, variations: int, seed: int, jobs: int | None, engine: Path | None, keep: Path | None
) -> Result:
    """Look for a wrong answer, model, core or proof.

    Each formula is solved under random policies and numbers and held against CaDiCaL; models are checked against the
    formula, proofs by slotforge-drat, and a sample by drat-trim where it is on PATH.
    """
    from slotforge.core.home import home
    from slotforge.solvers.sat import build

    say(f"compiling {variations} variations of policies")
    varied = _policies.variations(variations, seed=seed, cache=home() / "builds")
    program = (engine or build.engine()).absolute()
    campaign = Campaign(seed=seed, engine=str(program), varied=varied, drat_trim=_judge.found_drat_trim())
    tally = Tally()
    for tally in campaign.run(formulas, jobs=jobs or len(os.sched_getaffinity(0))):
        if tally.counts["formulas"] % 1000 < BLOCK:
            say(f"{tally.counts['formulas']} formulas, {len(tally.faults)} faults")
    if keep:
        _keep(tally.faults, keep)
    settings: dict[str, int | str] = {"formulas": formulas, "variations": len(varied), "seed": seed}
    settings["engine"] = content(program)
    return report(tally, settings, campaign.engine)


def report(tally: Tally, settings: Mapping[str, int | str], engine: str) -> Result:
    """Write up a campaign."""
    known = _policies.variants(engine)
    least = min(tally.pairs[pair] for pair in known)
    rows = [(name, tally.counts[name]) for name in sorted(tally.counts)]
    by_slot: dict[str, list[str]] = {}
    for (slot, policy), count in sorted(tally.pairs.items()):
        by_slot.setdefault(slot, []).append(f"{policy} {count}")
    return Result(
        benchmark="soundness",
        settings=settings,
        tables=(
            Table(
                title="Checked", columns=("what", "count"), rows=(*rows, ("faults", len(tally.faults))),
                note=f"Each of the {len(known)} built-in variants was in force on at least {least} formulas.",
            ),
            Table(title="Formulas", columns=("kind", "count"), rows=tuple(sorted(tally.kinds.items()))),
            Table(
                title="Policies", columns=("slot", "formulas under each policy"),
                rows=tuple((slot, ", ".join(texts)) for slot, texts in by_slot.items()),
            ),
        ),
        figures={"counts": dict(tally.counts), "kinds": dict(tally.kinds), "least_per_variant": least},
        errors=tuple(
            f"formula {f.number} ({f.kind}), {' '.join(f.arguments)}: {'; '.join(f.reasons)}" for f in tally.faults
        ),
    )  # fmt: skip


def _keep(faults: Sequence[Fault], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for fault in faults:
        (folder / f"{fault.number}.cnf").write_bytes(fault.dimacs)
        (folder / f"{fault.number}.txt").write_text("\n".join([*fault.reasons, " ".join(fault.arguments)]) + "\n")
