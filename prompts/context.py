"""What a prompt may tell a model: the solver, the slots, the parents with their measurements, and the last failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from slotforge.core.latest import Latest
from slotforge.core.types import Measurement, Slot, Terms, Trial, TrialState, charged, clipped
from slotforge.prompts import tokens
from slotforge.prompts.tokens import Idea
from slotforge.prompts.traces import Traced, traces

if TYPE_CHECKING:
    from slotforge.core.types import Candidate, Request

SHOWN_INSTANCES = 4
SHOWN_FAILURES = 3
SHOWN_ATTEMPTS = 6
SHOWN_RULE = 240  # characters of the comment above an attempt
SHOWN_SOURCE = 4000  # characters of the source of a failed proposal
MAX_KNOWN = 32  # parents that are kept, those used last

_PARENTS: Latest[Parent] = Latest(MAX_KNOWN)
_PROFILES: Latest[tuple[Profile, ...]] = Latest(1)


class Paired(NamedTuple):
    """One instance under a candidate and under the baseline.

    size: of the instance, in words.
    cost: of the baseline.
    ratio: of what the two runs count as (see `charged`), cut to [1/8, 8]; below 1 the candidate is faster.
    """

    family: str
    size: str
    cost: float
    ratio: float


class Profile(NamedTuple):
    """What the reference does on the instances of a family.

    means: cost and counters, per instance that has them; no seconds.
    having: on how many instances a counter is, where these are not all.
    """

    family: str
    instances: int
    means: Mapping[str, float]
    having: Mapping[str, int] = MappingProxyType({})


class Attempt(NamedTuple):
    """An earlier proposal for a slot, by the comment that its code begins with, and what it came to.

    ratio: as for a parent; of one that was raced out, on the instances that it was measured on.
    like: how many more are nearly the same, and no better.
    """

    slot: str
    rule: str
    ratio: float
    like: int = 0


class Other(NamedTuple):
    """What stands in a slot that is not requested: where it comes from, and the comment that its code begins with."""

    slot: str
    origin: str
    rule: str


class Parent(NamedTuple):
    """A candidate to start from.

    unchanged: it is the solver as it ships.
    sources: requested slot -> its source there.
    origins: requested slot -> "default", "built-in NAME" or "proposed".
    others: what stands in the slots that are not requested.
    ratio: geometric mean of cost over the baseline's; None when it was not measured.
    families: the same by family.
    counters: what the solver counted, summed over the instances where both did, over the baseline's; no seconds.
    lacking: on how many instances the baseline has a counter and this candidate has not.
    won, lost: the instances with the lowest ratios below 1 and the highest above 1.
    traces: of its runs where it does worst, where such statistics are kept.
    """

    candidate: str
    unchanged: bool
    sources: Mapping[str, str]
    origins: Mapping[str, str]
    others: tuple[Other, ...] = ()
    ratio: float | None = None
    families: Mapping[str, float] = MappingProxyType({})
    counters: Mapping[str, float] = MappingProxyType({})
    lacking: Mapping[str, int] = MappingProxyType({})
    won: tuple[Paired, ...] = ()
    lost: tuple[Paired, ...] = ()
    traces: tuple[Traced, ...] = ()
    instances: int = 0


class Failure(NamedTuple):
    """A proposal that came to nothing, and why.

    sources: its code in the requested slots, cut to a bounded length; empty when it had none.
    """

    state: str
    reason: str
    sources: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything that the templates can say.

    describe: the solver, the language of a policy and what it may read, in the words of the domain.
    slots: the requested slots, in the order of the request.
    number: position of the proposal in its run, which makes every prompt of a run unique.
    terms: of the domain.
    answers: the form that is asked for.
    """

    describe: str
    slots: tuple[Slot, ...]
    profiles: tuple[Profile, ...] = ()
    parents: tuple[Parent, ...]
    attempts: tuple[Attempt, ...] = ()
    failures: tuple[Failure, ...] = ()
    number: int
    terms: Terms = field(default_factory=Terms)
    answers: Literal["fences", "json"] = "fences"


def gather(
    request: Request,
    *,
    describe: str,
    terms: Terms,
    slots: Mapping[str, Slot],
    number: int,
    baseline: Trial,
    parents: Sequence[Trial | None] = (),
    tried: Sequence[Trial] = (),
    failed: Sequence[Trial] = (),
    answers: Literal["fences", "json"] = "fences",
    alike: Callable[[Idea, Idea], bool] = tokens.alike,
    sizes: Mapping[str, str] | None = None,
) -> Context:
    """Collect what the prompts of one proposal tell.

    Args:
        request: operator, parents and slots that the strategy asks for.
        describe: text of the domain.
        terms: of the domain.
        slots: all slots of the domain.
        number: of the trial.
        baseline: the trial of the reference, which ratios are against.
        parents: the trial of each parent of the request; None or missing where it was not measured.
        tried: trials so far, oldest first; the last few that measured code for a requested slot are told.
        failed: trials that came to nothing, oldest first; the last few that wrote a requested slot are told.
        answers: the form that is asked for.
        alike: whether two proposals are nearly the same, so that one of them is told.
        sizes: instance -> its size, in words.
    """
    measured = [*parents, *[None] * (len(request.parents) - len(parents))]
    related = [trial for trial in failed if _blamed(trial) & set(request.slots)]
    known = [
        _PARENTS.of((place, pair[0].id, request.slots), _parent, *pair, request.slots, slots, baseline, sizes or {})
        for place, pair in enumerate(zip(request.parents, measured, strict=True))
    ]
    return Context(
        describe=describe,
        terms=terms,
        slots=tuple(slots[name] for name in request.slots),
        parents=tuple(known),
        profiles=_PROFILES.of(None, _profiles, baseline.measurements),
        attempts=tuple(_distinct(_attempts(reversed(tried), request, terms.language), alike))[::-1],
        failures=tuple(_failure(trial, request.slots) for trial in related[-SHOWN_FAILURES:]),
        number=number,
        answers=answers,
    )


def _parent(
    candidate: Candidate,
    trial: Trial | None,
    requested: Sequence[str],
    slots: Mapping[str, Slot],
    baseline: Trial,
    sizes: Mapping[str, str],
) -> Parent:
    sources = {name: candidate.slots.get(name, slots[name].default) for name in requested}
    others = {name: candidate.slots[name] for name in slots if name in candidate.slots and name not in sources}
    both = _matched(trial.measurements, baseline.measurements) if trial else []
    pairs = [
        Paired(
            family=m.family,
            size=sizes.get(m.instance, ""),
            cost=other.cost,
            ratio=clipped(charged(m) / charged(other)),
        )
        for m, other in both
    ]
    return Parent(
        candidate=candidate.id,
        unchanged=not candidate.slots,
        sources=sources,
        origins={name: _origin(slots[name], source) for name, source in sources.items()},
        others=tuple(Other(slot=n, origin=_origin(slots[n], text), rule=rule(text)) for n, text in others.items()),
        ratio=trial.ratio if trial else None,
        families={f: _mean(p.ratio for p in pairs if p.family == f) for f in sorted({p.family for p in pairs})},
        counters=_counters(both),
        lacking=_lacking(both),
        won=tuple(p for p in sorted(pairs, key=lambda p: p.ratio) if p.ratio < 1)[:SHOWN_INSTANCES],
        lost=tuple(p for p in sorted(pairs, key=lambda p: -p.ratio) if p.ratio > 1)[:SHOWN_INSTANCES],
        traces=traces(both, requested, slots),
        instances=trial.instances if trial else 0,
    )


def _origin(slot: Slot, source: str) -> str:
    if source == slot.default:
        return "default"
    known = (f"built-in {name}" for name, variant in slot.variants.items() if variant == source)
    return next(known, "proposed")


Both = tuple[Measurement, Measurement]  # of the candidate, and of the baseline on the same instance and seed


def _matched(candidate: Iterable[Measurement], baseline: Iterable[Measurement]) -> list[Both]:
    reference = {(m.instance, m.seed): m for m in baseline}
    matched = ((m, reference.get((m.instance, m.seed))) for m in candidate)
    return [(m, other) for m, other in matched if other is not None and m.cost > 0 and other.cost > 0]


def _counters(both: Sequence[Both]) -> Mapping[str, float]:
    """Compare what was counted in both runs; seconds differ from run to run, and a prompt must not."""
    sums = {}
    for name in _counted(other for _, other in both):
        pairs = [(m.stats[name], other.stats[name]) for m, other in both if name in m.stats and name in other.stats]
        sums[name] = [sum(side) for side in zip(*pairs, strict=True)] or [0.0, 0.0]
    return {name: mine / theirs for name, (mine, theirs) in sums.items() if theirs > 0}


def _lacking(both: Sequence[Both]) -> Mapping[str, int]:
    """Count the runs without a counter that the baseline has there: what was never reached has no number."""
    names = _counted(other for _, other in both)
    lacking = {name: sum(name in other.stats and name not in m.stats for m, other in both) for name in names}
    return {name: runs for name, runs in lacking.items() if runs}


def _counted(measurements: Iterable[Measurement]) -> Sequence[str]:
    return list(dict.fromkeys(name for m in measurements for name in m.stats if _told(name)))


def _told(name: str) -> bool:
    """Whether a prompt repeats a counter: no seconds, no numbers that a rule was tuned to, no profile of a run."""
    return not name.endswith("_s") and not name.startswith(("best ", "ticks_", "slot_"))


def _mean(ratios: Iterable[float]) -> float:
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs))


def _profiles(baseline: Sequence[Measurement]) -> tuple[Profile, ...]:
    """Average what the baseline did, family by family."""
    found = []
    for family in sorted({m.family for m in baseline}):
        of_family = [m for m in baseline if m.family == family]
        counts = {name: [m.stats[name] for m in of_family if name in m.stats] for name in _counted(of_family)}
        counts = {"cost": [m.cost for m in of_family], **counts}
        means = {name: sum(values) / len(values) for name, values in counts.items()}
        having = {name: len(values) for name, values in counts.items() if len(values) < len(of_family)}
        found.append(Profile(family=family, instances=len(of_family), means=means, having=having))
    return tuple(found)


Tried = tuple[str, float, Idea]  # slot, ratio, and what was proposed


def _distinct(tried: Iterable[Tried], alike: Callable[[Idea, Idea], bool]) -> list[Attempt]:
    """Take the first few attempts that differ; of those that are nearly the same, the best stands for all."""
    kept: list[list[Tried]] = []  # in each those that are nearly the same, the best first
    for one in tried:
        slot, ratio, idea = one
        for twins in kept:
            best = twins[0]
            if best[0] == slot and alike(idea, best[2]):
                twins.insert(0 if ratio < best[1] else 1, one)
                break
        else:
            if len(kept) == SHOWN_ATTEMPTS:
                break
            kept.append([one])
    return [
        Attempt(slot=slot, rule=rule(idea.code), ratio=ratio, like=len(others)) for (slot, ratio, idea), *others in kept
    ]


def _attempts(tried: Iterable[Trial], request: Request, language: str) -> Iterator[Tried]:
    """Find what was measured in the requested slots, besides the parents, newest first.

    What failed after a while has a ratio of what it did before, and is no attempt to build on.
    """
    parents = {parent.id for parent in request.parents}
    wanted = request.slots[::-1]
    for trial in tried:
        candidate, ratio = trial.candidate, trial.ratio
        if ratio is None or candidate is None or trial.number <= 0 or candidate.id in parents:
            continue
        if not (trial.scored or trial.state is TrialState.RACED_OUT):
            continue
        sources, said = candidate.slots, trial.said.get("idea", "")
        for slot in wanted:
            if slot in trial.slots and slot in sources:
                yield slot, ratio, Idea(said, sources[slot], language)


@lru_cache(maxsize=1024)
def rule(source: str) -> str:
    """Read the comment at the head of a source, or the docstring, as one line."""
    lines = takewhile(lambda line: line.startswith(("//", "#")), source.splitlines())
    text = " ".join(line.lstrip("/# ") for line in lines) or _docstring(source) or "no comment says what it does"
    return text if len(text) <= SHOWN_RULE else text[: SHOWN_RULE - 3] + "..."


def _docstring(source: str) -> str:
    opened = source.lstrip()
    return " ".join(opened[3:].partition('"""')[0].split()) if opened.startswith('"""') else ""


def _blamed(trial: Trial) -> set[str]:
    """Read from the reason which of a failed trial's slots are at fault; all of them where it names none."""
    return {slot for slot in trial.slots if f"{slot}: " in trial.reason} or set(trial.slots)


def _failure(trial: Trial, slots: Sequence[str]) -> Failure:
    written = trial.candidate.slots if trial.candidate else {}
    sources = {name: written[name][:SHOWN_SOURCE] for name in slots if name in trial.slots and name in written}
    return Failure(state=trial.state.value, reason=trial.reason, sources=sources)
