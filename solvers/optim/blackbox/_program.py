"""A search as the evaluator runs it: trials by seeds on the box of a problem, in oracle calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from slotforge.core import registry
from slotforge.core.errors import BuildError
from slotforge.core.ids import generator
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.blackbox._restarts import restarted
from slotforge.solvers.optim.problems._family import Box, Data, Family
from slotforge.solvers.optim.runs import Runs, all_alike

SEARCHES = "slotforge.solvers.optim.blackbox"


@dataclass(kw_only=True)
class Searching:
    """A search on the problems of a family; offers what `simulate.Program` does."""

    family: Family
    name: str
    lanes: int = 1
    compile_s: float = 0.0
    spent: Spent = field(default_factory=Spent)

    def inspect(self, data: Data, seed: int = 0) -> None:  # noqa: ARG002
        """Raise BuildError where the family offers no box."""
        self._box(data)

    def run(
        self,
        data: Data,
        hps: Sequence[Mapping[str, float]],
        seeds: Sequence[int],
        *,
        budget: float,
        enough: Callable[[Runs], bool],
        horizon: float | None = None,  # noqa: ARG002
    ) -> Runs:
        """Run every trial with every seed, each until it is enough; see `simulate.Program.run`.

        The point that counts at a look is the best so far.
        """
        box, stride = self._box(data), self.family.stride
        starts = [self.family.start(data, generator(seed, "start")) for seed in seeds]
        first = np.array([float(self.family.metric(data, p)) for p in starts])
        looks = (1 + np.arange(max(1, int(budget) // stride))) * stride
        calls = np.broadcast_to(looks[:, None, None].astype(float), (len(looks), len(hps), len(seeds)))
        metric = np.empty(calls.shape)
        search = registry.load(SEARCHES, self.name).search
        for trial, hp in enumerate(hps):
            own = {name.partition(".")[2]: value for name, value in hp.items()}
            for place, seed in enumerate(seeds):
                best = restarted(
                    search,
                    box.values,
                    box.d,
                    int(looks[-1]) * box.per_call,
                    generator(seed, "search"),
                    own,
                    lambda value: enough(all_alike(value - box.least, 0.0, first)),
                )
                metric[:, trial, place] = best[np.minimum(looks * box.per_call, len(best)) - 1] - box.least
        return Runs(metric=metric, calls=calls, first=first)

    def _box(self, data: Data) -> Box:
        found = self.family.box(data)
        if found is None:
            raise BuildError(f"{self.family.name} is no black box: {self.name} has no part in it")
        return found
