"""Two candidates held against each other on all that both were measured on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from slotforge.core.comparison import FamilyVerdict, Pair
from slotforge.core.errors import UsageError
from slotforge.core.types import CAP, Measurement, Outcome, Record
from slotforge.lineage import queries
from slotforge.lineage.reads.common import Common, Paired, common
from slotforge.lineage.reads.measured import Split
from slotforge.lineage.store import SqlStore

MOST = 2000  # pairs
LEAST = 3  # instances that say how much they vary


class Point(Record):
    """An instance that both were run on, for a scatter plot.

    a, b: costs; one that was cut is as large as its limit.
    """

    instance: str
    name: str
    family: str
    seed: int
    split: Split
    a: float
    b: float
    a_outcome: Outcome
    b_outcome: Outcome


class Ratio(Record):
    """The geometric mean of costs of a over those of b, with its 95 % interval; below 1 a is faster.

    low, high: as verdicts tell it, within the bounds to which each ratio is cut; of one or two instances alone nothing
        is known.
    p: of Wilcoxon's signed-rank test; over families it is corrected after Holm.
    """

    ratio: float
    low: float
    high: float
    p: float
    instances: int


class Comparison(Record):
    """A candidate beside another one.

    a, b: ids.
    points: the instances and seeds that both were run on.
    cactus_a, cactus_b: costs of what was solved of these, sorted: the k-th is what k instances each cost at most.
    overall: over all that both came to an end on; None where that is nothing.
    notes: what to bear in mind.
    """

    a: str
    b: str
    domain: str
    points: tuple[Point, ...]
    cactus_a: tuple[float, ...]
    cactus_b: tuple[float, ...]
    overall: Ratio | None
    families: Mapping[str, Ratio]
    notes: tuple[str, ...]


def compare(store: SqlStore, a: str, b: str, *, splits: Sequence[Split] = ()) -> Comparison:
    """Compare two candidates.

    Args:
        a: id of the one, or the beginning of it.
        b: id of the other; both must be of one domain.
        splits: of which instances; none is all.

    Raises:
        UnknownId: one of them is not in the store.
        UsageError: they are the same, or of different domains.
    """
    one, other = queries.candidate(store, a), queries.candidate(store, b)
    if one.id == other.id:
        raise UsageError(f"{one.id} cannot be compared to itself: choose another candidate")
    if one.domain != other.domain:
        raise UsageError(f"{one.id} is of {one.domain}, and {other.id} of {other.domain}: they have nothing in common")
    found = common(store, one.id, other.id, most=MOST)
    paired = [each for each in found.pairs if not splits or each.split in splits]
    told = [each.pair for each in paired if _tells(each.pair)]
    overall, families = _ratios(told, several=len({each.pair.against.family for each in paired}) > 1)
    return Comparison(
        a=one.id,
        b=other.id,
        domain=one.domain,
        points=tuple(map(_point, paired)),
        cactus_a=_cactus(each.pair.candidate for each in paired),
        cactus_b=_cactus(each.pair.against for each in paired),
        overall=overall,
        families=families,
        notes=tuple(_notes(found, paired, told)),
    )


def _tells(pair: Pair) -> bool:
    """Whether both came to an end, so that their costs can be compared."""
    return all(run.outcome.finished and run.cost > 0 for run in pair.runs)


def _point(one: Paired) -> Point:
    own, other = one.pair.candidate, one.pair.against
    return Point(
        instance=own.instance,
        name=one.name,
        family=other.family,
        seed=own.seed,
        split=one.split,
        a=own.cost,
        b=other.cost,
        a_outcome=own.outcome,
        b_outcome=other.outcome,
    )


def _cactus(runs: Iterable[Measurement]) -> tuple[float, ...]:
    return tuple(sorted(run.cost for run in runs if run.outcome is Outcome.SOLVED))


def _ratios(pairs: Sequence[Pair], *, several: bool) -> tuple[Ratio | None, Mapping[str, Ratio]]:
    """Return the ratio over all, and by family where there are several, though one alone may have ratios."""
    from slotforge.search.verdict import verdict

    if not pairs:
        return None, {}
    judged = verdict(pairs, by_cpu=False)
    alone = {pairs[0].against.family: judged} if several else {}
    return _ratio(judged), {family: _ratio(one) for family, one in (judged.families or alone).items()}


def _ratio(judged: FamilyVerdict) -> Ratio:
    known = judged.instances >= LEAST
    low, high = (max(judged.low, 1 / CAP), min(judged.high, CAP)) if known else (1 / CAP, CAP)
    return Ratio(ratio=judged.ratio, low=low, high=high, p=judged.p, instances=judged.instances)


def _notes(found: Common, paired: Sequence[Paired], told: Sequence[Pair]) -> Iterable[str]:
    if not paired and found.pairs:
        yield f"both were run on the same instances {len(found.pairs)} times, and never on one of this split"
        return
    if not paired:
        yield "both were never run on the same instance with the same seed: hold one against the other with confirm"
        return
    if seen := sum(one.split is not Split.UNSEEN for one in paired):
        yield (
            f"{seen} of {len(paired)} runs are on instances that a search scored or chose on, which flatters what it "
            "found there"
        )
    if failed := len(paired) - len(told):
        yield f"{failed} of {len(paired)} runs came to no end for one of them: they are no part of the ratios"
    if unsolved := sum(pair.unsolved for pair in told):
        yield f"{unsolved} of {len(told)} runs ended at the limit for both, and count as equal"
    if found.cut:
        yield f"there are more runs than were looked through: {len(found.pairs)} are shown"
