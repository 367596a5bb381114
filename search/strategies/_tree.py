"""The tree of MCTS-AHD: nodes are measured heuristics; the root is none.

Source: Zheng et al. 2025, arXiv:2501.08603. A node is worth what the best below it is worth. Values are
negative logarithms of ratios, so that the same factor counts the same everywhere, and they are scaled by the extremes
of what is in the tree; visits under way count, so that several selections at once part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from slotforge.core.types import Trial
from slotforge.search.strategies._common import ranked, ratio_of


@dataclass(kw_only=True, eq=False)
class Node:
    """A heuristic.

    trial: in which it was measured, without its measurements; None at the root.
    value: of the best trial here and below.
    visits: children that were written here and below, whatever became of them, and this one.
    pending: children that are being written here and below.
    members: trials here and below, of a child of the root.
    """

    trial: Trial | None = None
    parent: Node | None = None
    depth: int = 0
    value: float = -math.inf
    visits: int = 0
    pending: int = 0
    children: list[Node] = field(default_factory=list)
    members: list[Trial] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How often it was visited or is being visited."""
        return self.visits + self.pending

    @property
    def upwards(self) -> Iterator[Node]:
        """This node and all above it."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    @property
    def path(self) -> list[Trial]:
        """The trials from here to the root, one for each candidate."""
        trials = [node.trial for node in self.upwards if node.trial is not None]
        return list({trial.candidate.id: trial for trial in trials if trial.candidate}.values())


@dataclass(kw_only=True)
class Tree:
    """Keeps nodes, the extremes of their values, and the best trials.

    keep: how many of these.
    """

    keep: int = 10
    root: Node = field(default_factory=Node)
    _least: float = math.inf
    _most: float = -math.inf
    elite: list[Trial] = field(default_factory=list)

    def plant(self, trial: Trial) -> None:
        """Hang a trial below the root that nobody had to write."""
        self.begin(self.root)
        self.end(self.root, trial)

    def begin(self, node: Node) -> None:
        """A child of a node is being written."""
        for above in node.upwards:
            above.pending += 1

    def end(self, node: Node, trial: Trial | None) -> None:
        """It has been measured, or has come to nothing: let the node and all above it know."""
        for above in node.upwards:
            above.pending -= 1
            above.visits += 1
        if trial is None:
            return
        trial = trial.model_copy(update={"measurements": (), "said": {}})  # which the archive keeps, packed
        value = -math.log(ratio_of(trial))
        child = Node(trial=trial, parent=node, depth=node.depth + 1, value=value, visits=1)
        node.children.append(child)
        for above in child.upwards:
            above.value = max(above.value, value)
            if above.depth == 1:
                above.members.append(trial)
        self._least, self._most = min(self._least, value), max(self._most, value)
        self.elite = ranked([*self.elite, trial])[: self.keep]

    def best_child(self, node: Node, weight: float) -> Node:
        """Return the child of the highest upper confidence bound; of equal ones the first.

        weight: of what was tried little.
        """
        spread = self._most - self._least

        def bound(child: Node) -> float:
            worth = (child.value - self._least) / spread if spread > 0 else 0.0
            return worth + weight * math.sqrt(math.log(node.tried + 1) / child.tried)

        return max(node.children, key=bound)
