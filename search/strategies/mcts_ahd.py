"""MCTS-AHD: a tree of heuristics, in which children are written of nodes that promise most or were tried least.

Source: Zheng et al. 2025, "Monte Carlo Tree Search for Comprehensive Exploration in LLM-Based Automatic Heuristic
Design", arXiv:2501.08603; parameters of its published code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.strategies._common import at_least, candidate_of, ranked, standard_bit_mutation
from slotforge.search.strategies._operators import OperatorBandit
from slotforge.search.strategies._ranks import by_rank
from slotforge.search.strategies._slots import differing
from slotforge.search.strategies._tree import Node, Tree

MOST_REFERENCES = 5
EXPANDING = ("mcts_e2", "mcts_m1", "mcts_m2", "mcts_s1")


@dataclass(kw_only=True)
class MctsAhd:
    """Selects a leaf, and asks for all children that its expansion and the widening on the way to it call for.

    initial: nodes below the root, from the seeds and by e1, before there are selections.
    mutations: children by m1, and by m2, in an expansion.
    depth: of a node that is expanded, at most.
    exploration: weight of what was tried little at the beginning; it decays to 0 over the budget.
    widening: a node may have as many children as it has visits to this power, before one more is asked for.
    elite: trials among which e2 finds its references.
    trials: that exploration decays over where the budget does not count trials.
    bandit: whether the operators of the children of an expansion, as many as ever, are drawn by what they have gained.
    """

    initial: int = 4
    mutations: int = 2
    depth: int = 10
    exploration: float = 0.1
    widening: float = 0.5
    elite: int = 10
    trials: int = 1000
    bandit: bool = False
    _tree: Tree = field(default_factory=Tree, init=False)
    _due: deque[tuple[str | None, Node]] = field(default_factory=deque, init=False)
    _open: deque[Node] = field(default_factory=deque, init=False)
    _thoughts: dict[str, str] = field(default_factory=dict, init=False)
    _asked: int = field(default=0, init=False)
    _gains: OperatorBandit = field(default_factory=lambda: OperatorBandit(EXPANDING), init=False)

    operators: ClassVar[Sequence[str]] = ("mcts_e1", *EXPANDING)

    def __post_init__(self) -> None:
        at_least(1, initial=self.initial, mutations=self.mutations, depth=self.depth, elite=self.elite)
        self._tree.keep = self.elite
        at_least(0, exploration=self.exploration, widening=self.widening, trials=self.trials)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for the next child that is due; it is raced against its parent in the tree."""
        if not self._tree.root.children:
            self._plant(archive)
        if not self._due:
            self._select(self._asked / (archive.horizon or max(1, self.trials)))
        self._asked += 1
        due, node = self._due.popleft()
        self._tree.begin(node)
        self._open.append(node)
        operator, parents = self._parents(due or self._draw(node, rng), node, rng)
        if due is not None:
            self._gains.sent(operator)
        rival = node.trial or parents[-1]
        archive.promote(archive.measured(candidate_of(rival)) or rival)
        chosen = tuple(candidate_of(trial) for trial in parents)
        slots = archive.slots if operator == "mcts_e1" else differing(chosen, archive.slots)
        return Request(
            operator=operator,
            parents=chosen,
            slots=standard_bit_mutation(slots, rng),
            told={"thoughts": self._told(parents)},
        )

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Hang what was measured in full below its node, and let all above know."""
        self._gains.tell(archive, trial)
        self._tree.end(self._open.popleft(), trial if trial.scored else None)
        if trial.scored:
            self._thoughts[candidate_of(trial).id] = thought(trial.said)

    def _plant(self, archive: Archive) -> None:
        """Hang the best seeds below the root, and ask for what is missing by e1."""
        for seed in archive.seeds[: self.initial]:
            self._tree.plant(seed)
        self._due.extend([("mcts_e1", self._tree.root)] * (self.initial - len(self._tree.root.children)))

    def _select(self, elapsed: float) -> None:
        """Go down to a leaf or to the greatest depth, and note all children that are to be written."""
        weight = self.exploration * max(0.0, 1 - elapsed)
        node = self._tree.root
        while node.children and node.depth < self.depth:
            if int(node.tried**self.widening) >= len(node.children):
                self._due.append(("mcts_e2" if node.trial else "mcts_e1", node))
            node = self._tree.best_child(node, weight)
        mutations = ["mcts_m1"] * self.mutations + ["mcts_m2"] * self.mutations
        children = ["mcts_e2", *mutations, *(["mcts_s1"] if len(node.path) > 1 else [])]
        self._due.extend((None if self.bandit else operator, node) for operator in children)

    def _draw(self, node: Node, rng: Generator) -> str:
        """Let the bandit draw among the operators that a node has parents for."""
        lacking = {"mcts_e2": not self._references(node), "mcts_s1": len(node.path) < 2}
        return self._gains.choose([operator for operator in EXPANDING if not lacking.get(operator)], rng)

    def _references(self, node: Node) -> list[Trial]:
        """Return the elite that a node is not of."""
        own = node.trial.candidate if node.trial else None
        return [trial for trial in self._tree.elite if trial.candidate != own]

    def _parents(self, operator: str, node: Node, rng: Generator) -> tuple[str, list[Trial]]:
        """Return the parents for an operator, and m1 in place of e2 where there is nothing to refer to."""
        if node.trial is None:
            below = [child.members[int(rng.integers(len(child.members)))] for child in node.children]
            some = rng.permutation(len(below))[:MOST_REFERENCES]
            return operator, ranked(below[int(place)] for place in some)
        if operator == "mcts_s1":
            return operator, ranked(node.path)[:MOST_REFERENCES]
        if operator == "mcts_e2":
            if elite := self._references(node):
                return operator, [node.trial, *by_rank(elite, 1, rng)]
            operator = "mcts_m1"
        return operator, [node.trial]

    def _told(self, parents: Sequence[Trial]) -> str:
        known = [(place, self._thoughts.get(candidate_of(one).id)) for place, one in enumerate(parents, start=1)]
        return "\n".join(f"Parent {place}: {text}" if len(parents) > 1 else text for place, text in known if text)


def thought(said: Mapping[str, str]) -> str:
    """Return how the code of a trial was described once it stood, or else the idea that came before it."""
    return " ".join((said.get("align") or said.get("idea") or "").split())


strategy = MctsAhd
