"""How good a prompt is, told from completions alone: entropy x compile rate x novelty, and the front with cost.

After AutoModSAT (Sun et al. 2025, arXiv:2507.22876), which raises the diversity of what a model proposes without
supervision; the formula is our reading, and novelty and cost are ours. No solver runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from slotforge.core.prompting import Figures, Sample

Item = TypeVar("Item")


def entropy(counts: Iterable[int]) -> float:
    """Return -sum q log q of the shares q of clusters, in nats; 0 for a single one, or none."""
    sizes = [count for count in counts if count]
    total = sum(sizes)
    return math.fsum(-size / total * math.log(size / total) for size in sizes) if len(sizes) > 1 else 0.0


def figures(samples: Sequence[Sample]) -> Figures:
    """Judge a variant by its samples.

    Entropy is taken slot by slot, and then its mean: code for another slot is no diversity.
    """
    if not samples:
        raise ValueError("nothing was sampled")
    clusters: dict[str, Counter[str]] = {sample.slot: Counter() for sample in samples}
    for sample in samples:
        if sample.built:
            clusters[sample.slot][sample.cluster] += 1
    spread = math.fsum(entropy(found.values()) for found in clusters.values()) / len(clusters)
    built = {(sample.slot, sample.cluster): sample.novel for sample in samples if sample.built}
    compile_rate = sum(sample.built for sample in samples) / len(samples)
    novelty = sum(built.values()) / len(built) if built else 0.0
    return Figures(
        samples=len(samples),
        clusters=len(built),
        entropy=spread,
        compile_rate=compile_rate,
        novelty=novelty,
        score=spread * compile_rate * novelty,
        tokens=sum(sample.tokens for sample in samples) / len(samples),
        usd=math.fsum(sample.usd for sample in samples) / len(samples),
    )


def front(items: Sequence[Item], judged: Callable[[Item], Figures]) -> list[Item]:
    """Return the items that no other one beats in score or cost without losing in the other, best score first."""
    chosen: list[Item] = []
    least = math.inf
    for item in sorted(items, key=lambda item: (-judged(item).score, judged(item).tokens)):
        if judged(item).tokens < least:
            chosen.append(item)
            least = judged(item).tokens
    return chosen
