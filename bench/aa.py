"""Search where nothing can be found, and count how often something is: the error rates of races and verdicts."""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Cell, Result, Table
from slotforge.bench._workers import workers
from slotforge.core.home import home
from slotforge.search.observer import Silent
from slotforge.search.race import Race
from slotforge.search.race import Result as Raced
from slotforge.search.shares import Share

if TYPE_CHECKING:
    from slotforge.core.types import Candidate, RunConfig, Trial
    from slotforge.search.archive import Archive

WRONGLY_BETTER = 0.025  # a two-sided test at 5 % is wrong on either side in half of that
CHUNK = 25  # searches that share a store
UNBALANCED = "unbalanced"
SHAPES = ("normal", "heavy", "skewed", UNBALANCED)
SMALL = 0.1  # of the instances are in the small one of two families that do not agree
APART = 0.5  # the logarithm by which candidates gain there, and lose in the large one


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated: see `slotforge.testing.level.Family`; `UNBALANCED` are two families with normal noise."""

    shape: str
    noise: float
    gain: float
    evals: int
    instances: int


@dataclass(kw_only=True)
class Count:
    """What came of simulated searches.

    better, worse: of their verdicts; opened: searches whose winner was held against the baseline.
    unlucky: proposals that, measured in full, are no worse than the baseline, and were raced out against it; equal: all
        that are no worse.
    dropped: proposals that were raced out of the search; proposals: all of it.
    mistaken: of the dropped, those that would have been no worse than the incumbent, had they been measured in full;
    sound: all proposals that were, or would have been, no worse.
    """

    searches: int = 0
    opened: int = 0
    better: int = 0
    worse: int = 0
    unlucky: int = 0
    equal: int = 0
    dropped: int = 0
    proposals: int = 0
    mistaken: int = 0
    sound: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(**{name: value + getattr(other, name) for name, value in vars(self).items()})


@benchmark
@click.option("--searches", default=1000, show_default=True, type=click.IntRange(1), help="Where nothing can be found.")
@click.option("--finds", default=200, show_default=True, type=click.IntRange(0), help="Searches for each true gain.")
@click.option("--evals", default=24, show_default=True, type=click.IntRange(1), help="Proposals of a search.")
@click.option("--instances", default=60, show_default=True, type=click.IntRange(10), help="Of all splits together.")
@click.option("--noise", default=0.3, show_default=True, help="Standard deviation of the log ratio on an instance.")
@click.option("--shape", "shapes", multiple=True, type=click.Choice(SHAPES), help="Of the noise. [default: all]")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes at once.")
@click.option("--counts", type=click.Path(path_type=Path, dir_okay=False), help="Where finished searches are kept.")
def command(
    searches: int,
    finds: int,
    evals: int,
    instances: int,
    noise: float,
    shapes: tuple[str, ...],
    jobs: int,
    counts: Path | None,
) -> Result:
    """Count how often searches that can find nothing claim a find, and how often races drop what is no worse.

    Whole searches, from the baseline to the verdict, on a domain whose candidates are all as good as the baseline but
    for luck, which is drawn anew for every candidate and instance. With a true gain, the share of verdicts "better" is
    the power. Where it is unbalanced, candidates gain in a small family what they lose in a large one, so that on
    average over families they are as good. Searches that are finished are kept, and not run again.
    """
    settings = [
        Setting(shape=shape, noise=noise, gain=gain, evals=evals, instances=instances)
        for gain in (0.0, 0.05, 0.1, 0.2)
        for shape in shapes or SHAPES
    ]
    kept = counts or home() / "bench" / "aa.jsonl"
    return report({s: simulated(s, finds if s.gain else searches, jobs, kept) for s in settings if finds or not s.gain})


def simulated(setting: Setting, searches: int, jobs: int, file: Path) -> Count:
    """Count over searches with the seeds from 0 on, in processes of their own, but for those that the file has."""
    say(f"{searches} searches, {setting.shape} noise, true gain {setting.gain:.0%}")
    known = _kept(setting, file)
    chunks = [range(start, min(start + CHUNK, searches)) for start in range(0, searches, CHUNK)]
    left = [chunk for chunk in chunks if chunk not in known]
    file.parent.mkdir(parents=True, exist_ok=True)
    with workers(jobs) as pool, file.open("a", encoding="utf-8") as kept:
        for chunk, count in zip(left, pool.map(counted, [setting] * len(left), left), strict=True):
            line = {"setting": vars(setting), "seeds": [chunk.start, chunk.stop], "count": vars(count)}
            kept.write(f"{json.dumps(line)}\n")
            kept.flush()
            known[chunk] = count
    return sum((known[chunk] for chunk in chunks), Count())


def _kept(setting: Setting, file: Path) -> dict[range, Count]:
    """Read what was counted before; a line that an interruption has cut is nothing."""
    found: dict[range, Count] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        with suppress(ValueError):
            read = json.loads(line)
            if read["setting"] == vars(setting):
                found[range(*read["seeds"])] = Count(**read["count"])
    return found


def counted(setting: Setting, seeds: Iterable[int]) -> Count:
    """Search once with each seed."""
    from slotforge.lineage.store import open_store
    from slotforge.search.discover import Discovery

    total = Count()
    with tempfile.TemporaryDirectory(prefix="slotforge-bench-") as folder, open_store(Path(folder) / "aa.db") as store:
        for seed in seeds:
            watch = _Watch()
            config = _config(setting, seed)
            held = Discovery(config=config, store=store, observer=watch).run().holdout
            opened = held is not None and held.instances > 0
            total += Count(
                searches=1,
                opened=opened,
                better=opened and held is not None and held.verdict == "better",
                worse=opened and held is not None and held.verdict == "worse",
            )
            if not setting.gain:
                total += asyncio.run(_races(config, watch))
    return total


def _config(setting: Setting, seed: int) -> RunConfig:
    from slotforge.core.types import Budget, RunConfig
    from slotforge.testing import level

    def family(shape: str, apart: float = 0.0, share: float = 1.0) -> str:
        gain = 1 - (1 - setting.gain) * math.exp(apart)
        return level.Family(gain=gain, noise=setting.noise, shape=shape, share=share).spec

    two = (family("normal", -APART, SMALL), family("normal", APART, 1 - SMALL))
    return RunConfig(
        domain=level.NAME,
        instances=two if setting.shape == UNBALANCED else (family(setting.shape),),
        strategy="one_plus_one",
        budget=Budget(evals=setting.evals),
        window=1,  # so that the incumbent that a trial raced against is the one before it was told
        executor="inline",
        seed=seed,
        options={"per_family": setting.instances, "tuned_baseline": False},
    )


@dataclass
class _Watch(Silent):
    """Keeps every proposal with the incumbent that it raced against."""

    archive: Archive | None = None
    raced: list[tuple[Trial, Trial]] = field(default_factory=list)
    _incumbent: Trial | None = None

    def told(self, trial: Trial, archive: Archive) -> None:
        """Keep a trial, and the incumbent for the next one."""
        self.archive = archive
        self.raced.append((trial, self._incumbent or archive.seeds[0]))
        self._incumbent = archive.incumbent


async def _races(config: RunConfig, watch: _Watch) -> Count:
    """Race the proposals of a search once more: all against the baseline, and the dropped ones to the end."""
    from slotforge.core.types import TrialState

    assert watch.archive is not None
    race, baseline = _course(config, watch.archive), watch.archive.baseline
    count = Count()
    for trial, incumbent in watch.raced:
        if trial.candidate is None or trial.state not in (TrialState.SCORED, TrialState.RACED_OUT):
            continue
        again = await race.run(trial.candidate, baseline)
        equal = await _no_worse(race, trial.candidate, again, baseline)
        sound = await _no_worse(race, trial.candidate, trial, incumbent)
        dropped = trial.state is TrialState.RACED_OUT
        count += Count(
            equal=equal,
            unlucky=equal and again.state is TrialState.RACED_OUT,
            proposals=1,
            dropped=dropped,
            sound=sound,
            mistaken=sound and dropped,
        )
    return count


async def _no_worse(race: Race, candidate: Candidate, told: Trial | Raced, rival: Trial) -> bool:
    """Tell whether a candidate, measured in full, is no worse than what it was raced against; it is where need be."""
    from slotforge.core.types import TrialState

    if told.state is TrialState.RACED_OUT:
        told = await race.run(candidate, rival, in_full=True)
    return told.ratio is not None and rival.ratio is not None and told.ratio <= rival.ratio


def _course(config: RunConfig, archive: Archive) -> Race:
    """Make the race that the search had."""
    from slotforge.search import worker
    from slotforge.search.executors.inline import executor

    domain = worker.domain(config.domain)
    known = {i.id: i for i in domain.suite(config.instances, seed=config.seed, options=config.options).search}
    return Race(
        executor=executor(1),
        instances=[known[m.instance] for m in archive.baseline.measurements],
        seed=config.seed,
        reference={m.instance: m for m in archive.baseline.measurements},
        terms=domain.terms,
    )


def report(counts: dict[Setting, Count]) -> Result:
    """Write what was counted beside what is promised; a share that is surely above its promise is an error."""
    alpha = Race.alpha
    nothing = {s: c for s, c in counts.items() if not s.gain}
    promises: list[tuple[str, float, Callable[[Count], Share]]] = [
        ("verdicts 'better'", WRONGLY_BETTER, lambda c: Share(count=c.better, of=c.searches)),
        ("raced out against the baseline, but no worse in full", alpha, lambda c: Share(count=c.unlucky, of=c.equal)),
        ("raced out, but no worse in full", alpha, lambda c: Share(count=c.mistaken, of=c.sound)),
    ]
    errors = [
        f"{what}, {s.shape} noise: {share(c).shown}, and at most {most:.1%} is promised"
        for what, most, share in promises
        for s, c in nothing.items()
        if share(c).bounds[0] > most
    ]
    rows: list[tuple[Cell, ...]] = [
        (what, *(share(c).shown for c in nothing.values()), f"{most:.1%}") for what, most, share in promises
    ]
    rows += [
        ("verdicts 'worse'", *(Share(count=c.worse, of=c.searches).shown for c in nothing.values()), "-"),
        ("holdout opened", *(Share(count=c.opened, of=c.searches).shown for c in nothing.values()), "-"),
        ("raced out of the search", *(Share(count=c.dropped, of=c.proposals).shown for c in nothing.values()), "-"),
    ]
    first = next(iter(counts))
    return Result(
        benchmark="aa",
        settings={
            "searches": max(c.searches for c in nothing.values()),
            **{k: v for k, v in vars(first).items() if k not in ("shape", "gain")},
        },
        tables=(
            Table(
                title="Nothing to be found",
                columns=("share", *(s.shape for s in nothing), "promised at most"),
                rows=tuple(rows),
                note="With 95 % intervals (Clopper and Pearson), as if all races were independent.",
            ),
            _power(counts),
        ),
        figures={
            f"{s.shape}, gain {s.gain}": {**vars(c), "better_interval": Share(count=c.better, of=c.searches).bounds}
            for s, c in counts.items()
        },
        errors=tuple(errors),
    )


def _power(counts: dict[Setting, Count]) -> Table:
    found: dict[float, list[str]] = {}
    for s, c in counts.items():
        if s.gain:
            found.setdefault(s.gain, []).append(Share(count=c.better, of=c.searches).shown)
    shapes = list(dict.fromkeys(s.shape for s in counts))
    return Table(
        title="Something to be found: verdicts 'better'",
        columns=("true gain of every candidate", *shapes),
        rows=tuple((f"{gain:.0%}", *shares) for gain, shares in found.items()),
    )
