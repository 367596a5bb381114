"""AutoModSAT: a presearch keeps the slots and prompts that move something, then a (1+lambda)-EA over several slots.

Source: Sun et al. 2025, "Automatically discovering heuristics in a complex SAT solver with large language models",
arXiv:2507.22876. The abstract names the parts and no numbers; how they are done here is our reading.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial, TrialState
from slotforge.search.archive import not_worse
from slotforge.search.racing import geometric_mean_ratio
from slotforge.search.strategies._common import at_least, candidate_of, ranked, standard_bit_mutation
from slotforge.search.strategies._operators import OperatorBandit

PROMPTS = ("mutate", "fresh")

Arm = tuple[str, str]  # slot, prompt


@dataclass(kw_only=True)
class AutoModSat:
    """Tries every slot with every prompt on a small budget, and searches on with those that moved the cost.

    probes: trials of the presearch for each slot and prompt.
    share: of the budget of trials that the presearch may use at most.
    effect: change of the cost, up or down, that counts: rewriting what has none is not worth more trials.
    children: trials of a generation of the (1+lambda)-EA.
    bandit: whether it draws among the prompts that were kept by what they have gained so far, instead of uniformly.
    """

    probes: int = 2
    share: float = 0.3
    effect: float = 0.03
    children: int = 4
    bandit: bool = False
    _asked: int = field(default=0, init=False)
    _hosts: deque[Trial] = field(default_factory=deque, init=False)
    _moved: dict[Arm, float] = field(default_factory=dict, init=False)
    _kept: tuple[Arm, ...] = field(default=(), init=False)
    _gains: OperatorBandit = field(default_factory=lambda: OperatorBandit(PROMPTS), init=False)

    operators: ClassVar[Sequence[str]] = PROMPTS

    def __post_init__(self) -> None:
        at_least(1, probes=self.probes, children=self.children)
        at_least(0, share=self.share, effect=self.effect)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for the next probe, or for a mutation of k slots of the incumbent, k ~ Bin(n, 1/n), of those kept."""
        self._asked += 1
        parents = (candidate_of(archive.incumbent),)
        if self._asked <= self._presearch(archive):
            slot, prompt = self._arm(archive, self._asked)
            self._gains.sent(prompt)
            self._hosts.append(archive.incumbent)
            return Request(operator=prompt, parents=parents, slots=(slot,))
        kept = self._kept or self._moving(archive)
        slots = standard_bit_mutation(list(dict.fromkeys(slot for slot, _ in kept)), rng)
        prompts = [prompt for slot, prompt in kept if slot in slots]
        drawn = (
            self._gains.choose(list(dict.fromkeys(prompts)), rng)
            if self.bandit
            else prompts[int(rng.integers(len(prompts)))]
        )
        return Request(operator=drawn, parents=parents, slots=slots)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Promote nothing in the presearch, its best at its end, and then the best of a generation if not worse."""
        self._gains.tell(archive, trial)
        if self._hosts:
            arm = self._arm(archive, len(archive.trials) - 1)
            self._moved[arm] = max(self._moved.get(arm, 0.0), shift(trial, self._hosts.popleft()))
        later = len(archive.trials) - 1 - self._presearch(archive)
        if later < 0 or later % self.children != 0:
            return
        if later == 0:
            self._kept = self._moving(archive)
        latest = archive.trials[-self.children :] if later else archive.trials[1:]
        if found := ranked(t for t in latest if not_worse(t, archive.incumbent)):
            archive.promote(found[0])

    def _presearch(self, archive: Archive) -> int:
        """Return how many trials it takes."""
        wanted = self.probes * len(self._arms(archive))
        return wanted if archive.horizon is None else min(wanted, int(self.share * archive.horizon))

    def _arms(self, archive: Archive) -> list[Arm]:
        return [(slot, prompt) for prompt, slot in product(PROMPTS, archive.slots)]

    def _arm(self, archive: Archive, number: int) -> Arm:
        arms = self._arms(archive)
        return arms[(number - 1) % len(arms)]

    def _moving(self, archive: Archive) -> tuple[Arm, ...]:
        """Return the arms that moved the cost or were not probed; if there are none, what moved it most."""
        arms = self._arms(archive)
        kept = tuple(arm for arm in arms if self._moved.get(arm, math.inf) > math.log1p(self.effect))
        return kept or tuple(arm for arm in arms if self._moved[arm] == max(self._moved.values()))


def shift(trial: Trial, host: Trial) -> float:
    """Return by how much a trial moved the cost of what it was asked to change, up or down, as a logarithm.

    It is that on the instances of both, for a race ends early; what failed, or is a copy, moved nothing.
    """
    if not (trial.scored or trial.state is TrialState.RACED_OUT):
        return 0.0
    known = {m.instance: m for m in host.measurements}
    both = [m for m in trial.measurements if m.instance in known]
    return abs(math.log(geometric_mean_ratio(both, known))) if both else 0.0


strategy = AutoModSat
