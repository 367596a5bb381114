"""AutoModSAT: a presearch keeps the slots and prompts that move something, then a (1+lambda)-EA over several slots.

Source: Sun et al. 2025, "Automatically discovering heuristics in a complex SAT solver with large language models",
arXiv:2507.22876. The abstract names the parts and no numbers; how they are done here is our reading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import not_worse
from slotforge.search.strategies._common import at_least, candidate_of, ranked, ratio_of, standard_bit_mutation
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
        """Return the arms that moved the cost or were not probed; if there are none, what moved it most.

        The host is the incumbent, which does not change in the presearch.
        """
        moved = dict.fromkeys(self._arms(archive), 0.0)
        probes = archive.trials[1 : 1 + self._presearch(archive)]
        for number, trial in enumerate(probes, start=1):
            arm = self._arm(archive, number)
            moved[arm] = max(moved[arm], shift(trial, archive.incumbent))
        untried = list(moved)[len(probes) :]
        kept = tuple(arm for arm, size in moved.items() if size > math.log1p(self.effect) or arm in untried)
        return kept or tuple(arm for arm, size in moved.items() if size == max(moved.values()))


def shift(trial: Trial, host: Trial) -> float:
    """Return by how much a trial moved the cost, up or down, as a logarithm; nothing where it was not measured."""
    return 0.0 if trial.ratio is None else abs(math.log(trial.ratio / ratio_of(host)))


strategy = AutoModSat
