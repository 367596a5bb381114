"""Paired statistics: is one solver faster than another on instances like these, and by how much?

The unit is the instance: the mean over its seeds of the logarithm of cost over cost. The interval is Student's on the
mean of these, stratified by family (Cochran, Sampling Techniques, chapter 5, with Satterthwaite's degrees of freedom),
and as much wider as their skewness asks for: what mostly gains a little and now and then loses much looks better than
it is while the losses are few, and Student's interval alone then errs three times as often as it says. The p-value is
Wilcoxon's signed-rank test, two-sided; over families it is corrected after Holm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from slotforge.core.comparison import FamilyVerdict, Pair, Verdict
from slotforge.core.errors import UsageError
from slotforge.core.types import CAP, Measurement, Outcome, charged, clipped_log, log_ratio

LEVEL = 0.05
LEAST_INSTANCES = math.floor(math.log2(2 / LEVEL)) + 1  # n signs that agree have p = 2 / 2**n
CPU_PER_COST = 1.15  # beyond this the candidate's own work is not small: it is judged on CPU seconds
START_CPU_S = 0.005  # what starting a sandboxed process takes, whatever it solves
LEAST_CPU_S = 0.02  # below this an instance says nothing of CPU time
EXACT = 13  # of so few instances all assignments of signs are counted, with ties as well
MOST_LOOKS = 1000  # in vain that are counted: p is 1 long before
UNDERSTATED = 1.5  # by so much few instances understate how skewed what they come from is (`slotforge bench aa`)


NOT_ENOUGH = f"with fewer than {LEAST_INSTANCES} no difference can reach p < {LEVEL}"


def verdict(pairs: Sequence[Pair], *, by_cpu: bool = True, failed: int = 0) -> Verdict:
    """Compare over all instances and per family.

    Args:
        pairs: at least one; several of one instance (seeds) are averaged first.
        by_cpu: whether CPU seconds must bear out what the cost says (see `Terms`).
        failed: earlier verdicts on the same candidate, or on the same instances, that were not "better". Each doubles
            the p-values, so that who asks again until the answer is "better" gets that by luck in at most twice the
            share of a single one, however often that is.

    Returns:
        Ratios below 1 mean that the candidate is faster. When it needs clearly more CPU time per tick than what it is
        compared to, ratios are those of CPU seconds, and a note says so. "better" also needs fewer CPU seconds, with
        the whole interval: where runs are too quick to tell, it is not known whether ticks are what was spent.

    Raises:
        UsageError: there is no pair.
    """
    if not pairs:
        raise UsageError("no instance is left to compare on")
    cpu, ticks = by_family(pairs, _cpu_log), by_family(pairs, cost_log)
    excess = cpu_excess([(p.candidate, p.against) for p in pairs]) if by_cpu else 1.0
    charged_cpu = excess > CPU_PER_COST
    logs = cpu if charged_cpu else ticks
    times = 2.0 ** min(failed, MOST_LOOKS)
    families = _holm({family: _one((values,), (cpu[family],), by_cpu, times) for family, values in logs.items()})
    overall = _one(tuple(logs.values()), tuple(cpu.values()), by_cpu, times)
    measured = [m for pair in pairs for m in (pair.candidate, pair.against)]
    unproved = sum(m.outcome is Outcome.SOLVED and m.evidence not in ("proof", "model") for m in measured)
    unsolved = sum(pair.unsolved for pair in pairs)
    unshown = [family for family, one in families.items() if _unshown(one)] if len(families) > 1 else []
    notes = {
        f"{overall.instances} instances: {NOT_ENOUGH}": overall.instances < LEAST_INSTANCES,
        f"needs {100 * (excess - 1):.0f} % more CPU time per unit of cost, so it is judged on CPU seconds": charged_cpu,
        "costs less, but CPU seconds do not show it": _unshown(overall) and not charged_cpu,
        f"{', '.join(unshown)}: costs less, but CPU seconds do not show it": bool(unshown) and not charged_cpu,
        f"{unsolved} of {len(pairs)} runs ended at the limit for both, and count as equal": unsolved > 0,
        f"{unproved} answers could not be proved within the checker's limits": unproved > 0,
        f"{failed} earlier verdict{'s' * (failed > 1)} on this candidate or on these instances ended otherwise than "
        f"better, so that p is multiplied by {times:g}": failed > 0,
    }
    return Verdict(
        **overall.model_dump(),
        families=families if len(families) > 1 else {},
        proofs=sum(m.evidence == "proof" for m in measured),
        models=sum(m.evidence == "model" for m in measured),
        notes=tuple(note for note, applies in notes.items() if applies),
    )


def _unshown(one: FamilyVerdict) -> bool:
    """Whether interval and test say "better", and what keeps it from being that is the interval of CPU seconds."""
    return one.high < 1 and one.p < LEVEL and one.verdict == "no difference"


def too_few(compared: int, others: int = 0) -> tuple[str, ...]:
    """Say that so few instances cannot tell solvers apart whatever they do, and how many can.

    Args:
        compared: instances that the verdict is to come from.
        others: instances that are dealt to other splits.
    """
    if compared >= LEAST_INSTANCES:
        return ()
    rounding = 2  # so many can go to another split when shares are rounded
    needed = (
        math.ceil(LEAST_INSTANCES * (compared + others + rounding) / max(1, compared)) if others else LEAST_INSTANCES
    )
    few = f"{compared} instance{'s' * (compared != 1)} to compare on: {NOT_ENOUGH}"
    return (f"{few}; {needed} instances in all would be enough",)


def cost_log(pair: Pair) -> float:
    """Compare the costs of a pair: below 0 the candidate is faster."""
    return log_ratio(pair.candidate, pair.against)


def _cpu_log(pair: Pair) -> float:
    if pair.unsolved:
        return 0.0
    candidate, against = (max(m.cpu_s, 1e-4) * charged(m) / m.cost for m in (pair.candidate, pair.against))
    return clipped_log(candidate / against)


def by_family(pairs: Sequence[Pair], unit: Callable[[Pair], float]) -> dict[str, np.ndarray]:
    """Average the seeds of each instance, and collect by family."""
    instances: dict[tuple[str, str], list[float]] = {}
    for pair in pairs:
        key = (pair.against.family, pair.against.instance)
        instances.setdefault(key, []).append(unit(pair))
    families: dict[str, list[float]] = {}
    for (family, _), values in sorted(instances.items()):
        families.setdefault(family, []).append(sum(values) / len(values))
    return {family: np.array(values) for family, values in families.items()}


def cpu_excess(pairs: Iterable[tuple[Measurement, Measurement]]) -> float:
    """Return how much more CPU time per unit of cost the candidate needs, over all instances that say something of it.

    The runs are put together, so that long ones weigh more, and what starting a process takes is left out.

    Args:
        pairs: a run of the candidate, and the one that it is held against.
    """
    telling = [pair for pair in pairs if all(m.outcome is Outcome.SOLVED and m.cpu_s >= LEAST_CPU_S for m in pair)]
    if not telling:
        return 1.0

    def rate(runs: Sequence[Measurement]) -> float:
        return sum(m.cpu_s - START_CPU_S for m in runs) / sum(m.cost for m in runs)

    candidate, against = zip(*telling, strict=True)
    return rate(candidate) / rate(against)


def _one(strata: Sequence[np.ndarray], cpu: Sequence[np.ndarray], by_cpu: bool, times: float) -> FamilyVerdict:
    mean, low, high = interval(strata)
    cpu_mean, _, cpu_high = interval(cpu)
    logs = np.concatenate(strata)
    p = min(1.0, times * wilcoxon_p(logs))
    word = _word(low, high, p)
    return FamilyVerdict(
        ratio=math.exp(mean),
        low=math.exp(low),
        high=math.exp(high),
        p=p,
        instances=len(logs),
        verdict="no difference" if by_cpu and word == "better" and cpu_high >= 0 else word,
        cpu_ratio=math.exp(cpu_mean),
    )


def _word(low: float, high: float, p: float) -> Literal["better", "no difference", "worse"]:
    """Name the outcome: both the interval and the test must exclude "no difference"."""
    if p >= LEVEL or low <= 0 <= high:
        return "no difference"
    return "better" if high < 0 else "worse"


def interval(strata: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Return mean and 95 % interval of the logs; strata too small for a variance of their own are put together.

    The interval spans Student's and that of Hall ("On the removal of skewness by transformation", JRSS-B 1992).
    """
    from scipy.stats import t

    if any(len(values) < 3 for values in strata):
        strata = [np.concatenate(strata)]
    total = sum(len(values) for values in strata)
    mean = sum(float(values.sum()) for values in strata) / total
    if total < 2:
        bound = math.log(CAP)
        return mean, -bound, bound
    parts = [((len(v) / total) ** 2 * float(v.var(ddof=1)) / len(v), len(v) - 1) for v in strata]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return mean, mean, mean
    error = math.sqrt(variance)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    quantile = float(t.ppf(1 - LEVEL / 2, freedom))
    skewness = UNDERSTATED * sum((len(v) / total) ** 3 * _third(v) / len(v) ** 2 for v in strata) / error**3
    ends = [quantile, -quantile, _skewed(quantile, skewness), _skewed(-quantile, skewness)]
    return mean, mean - error * max(ends), mean - error * min(ends)


def _third(values: np.ndarray) -> float:
    """Estimate the third central moment without bias; two values say nothing of it."""
    n = len(values)
    return float(((values - values.mean()) ** 3).sum()) * n / ((n - 1) * (n - 2)) if n > 2 else 0.0


def _skewed(quantile: float, skewness: float) -> float:
    """Return the quantile of a mean over its error, given its skewness: the inverse of Hall's transformation."""
    if abs(skewness) < 1e-9:
        return quantile
    return 3 / skewness * (math.cbrt(1 + skewness * (quantile - skewness / 6)) - 1)


def wilcoxon_p(logs: np.ndarray) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; the ranks of zeros are shared by both sides.

    A zero is an instance on which both do the same, or on which both were cut and nobody knows who is faster: half of
    it speaks for either. Wilcoxon drops zeros and Pratt the ranks of them; with the normal approximation that takes
    five instances that differ among many that do not for significant, which they cannot be (see LEAST_INSTANCES).
    """
    from scipy.stats import wilcoxon

    if not np.any(logs):
        return 1.0
    return _exact_p(logs) if len(logs) <= EXACT else float(wilcoxon(logs, zero_method="zsplit").pvalue)


def _exact_p(logs: np.ndarray) -> float:
    """Count the assignments of signs: the same as SciPy's permutations where there are ties, in no time."""
    from scipy.stats import rankdata

    doubled = np.rint(2 * rankdata(np.abs(logs))).astype(int)  # tied ranks are multiples of a half
    counts = np.ones(1)
    for rank in doubled[logs != 0]:
        counts = np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))
    observed = int(doubled[logs > 0].sum())
    tail = min(counts[: observed + 1].sum(), counts[observed:].sum())
    return min(1.0, 2 * float(tail / counts.sum()))


def _holm(families: Mapping[str, FamilyVerdict]) -> dict[str, FamilyVerdict]:
    """Correct the p-values for the number of families (Holm 1979)."""
    order = sorted(families, key=lambda family: families[family].p)
    corrected: dict[str, FamilyVerdict] = {}
    least = 0.0
    for rank, family in enumerate(order):
        one = families[family]
        least = max(least, min(1.0, one.p * (len(order) - rank)))
        word = one.verdict if least < LEVEL else "no difference"
        corrected[family] = one.model_copy(update={"p": least, "verdict": word})
    return {family: corrected[family] for family in families}
