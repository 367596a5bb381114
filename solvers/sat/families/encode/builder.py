"""Clauses, fresh variables, cardinality constraints and gates with constant folding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from slotforge.solvers.sat.cnf import Formula, Status

_CHAIN = 4


class Builder:
    """Collects the clauses of one formula.

    variables: number of variables made so far.
    clauses: what was added, in order.
    """

    def __init__(self) -> None:
        self.variables = 0
        self.clauses: list[list[int]] = []

    def formula(self, status: Status | None = None) -> Formula:
        """Give what was collected as a formula."""
        return Formula(variables=self.variables, clauses=self.clauses, status=status)

    @cached_property
    def true(self) -> int:
        """A literal that is true; made, with its unit clause, on first use."""
        literal = self.fresh()
        self.clauses.append([literal])
        return literal

    def fresh(self) -> int:
        """Make one variable."""
        self.variables += 1
        return self.variables

    def word(self, width: int) -> list[int]:
        """Make `width` variables."""
        self.variables += width
        return list(range(self.variables - width + 1, self.variables + 1))

    def constant(self, value: int, width: int) -> list[int]:
        """Give a number as literals, least significant bit first."""
        return [self.true if value >> bit & 1 else -self.true for bit in range(width)]

    def value(self, word: Iterable[int]) -> int:
        """Read back a word all of whose bits are constants."""
        return sum(1 << bit for bit, literal in enumerate(word) if literal == self.true)

    def add(self, *literals: int) -> None:
        """Add a clause; constants are folded away."""
        if "true" in self.__dict__:
            if self.true in literals:
                return
            literals = tuple(x for x in literals if x != -self.true)
        self.clauses.append(list(literals))

    # Cardinality

    def at_most_one(self, literals: Sequence[int]) -> None:
        """Allow at most one: pairs of four at a time, linked by a fresh variable a group."""
        rest = list(literals)
        while len(rest) > _CHAIN + 1:
            link = self.fresh()
            self._pairs([*rest[:_CHAIN], link])
            rest = [-link, *rest[_CHAIN:]]
        self._pairs(rest)

    def exactly_one(self, literals: Sequence[int]) -> None:
        """Ask for exactly one."""
        self.add(*literals)
        self.at_most_one(literals)

    def at_most(self, literals: Sequence[int], bound: int) -> None:
        """Allow at most `bound` (sequential counter, Sinz, CP 2005)."""
        if bound < 0:
            self.add()
        elif bound == 0:
            for literal in literals:
                self.add(-literal)
        elif bound == 1:
            self.at_most_one(literals)
        elif bound < len(literals):
            self._count(literals, bound)

    def at_least(self, literals: Sequence[int], bound: int) -> None:
        """Ask for at least `bound`."""
        self.at_most([-x for x in literals], len(literals) - bound)

    def exactly(self, literals: Sequence[int], bound: int) -> None:
        """Ask for exactly `bound`."""
        self.at_most(literals, bound)
        self.at_least(literals, bound)

    def _pairs(self, literals: Sequence[int]) -> None:
        for position, first in enumerate(literals):
            for second in literals[position + 1 :]:
                self.add(-first, -second)

    def _count(self, literals: Sequence[int], bound: int) -> None:
        before: list[int] = []
        for literal in literals[:-1]:
            now = self.word(bound)
            self.add(-literal, now[0])
            for level, reached in enumerate(before):
                self.add(-reached, now[level])
                if level + 1 < bound:
                    self.add(-literal, -reached, now[level + 1])
            if before:
                self.add(-literal, -before[-1])
            before = now
        self.add(-literals[-1], -before[-1])

    # Gates (Tseitin): each gives the literal of its output

    def conjunction(self, *literals: int) -> int:
        """Give AND of any number of literals."""
        inputs = [x for x in dict.fromkeys(literals) if x != self.true]
        if -self.true in inputs or any(-x in inputs for x in inputs):
            return -self.true
        if len(inputs) < 2:
            return inputs[0] if inputs else self.true
        gate = self.fresh()
        self.clauses.extend([-gate, x] for x in inputs)
        self.clauses.append([gate, *(-x for x in inputs)])
        return gate

    def disjunction(self, *literals: int) -> int:
        """Give OR of any number of literals."""
        return -self.conjunction(*(-x for x in literals))

    def xor(self, a: int, b: int) -> int:
        """Give a XOR b."""
        true = self.true
        if abs(a) == true or abs(a) == abs(b):
            a, b = b, a
        if abs(b) == true:
            return -a if b == true else a
        if abs(a) == abs(b):
            return -true if a == b else true
        gate = self.fresh()
        self.clauses += [[-gate, a, b], [-gate, -a, -b], [gate, -a, b], [gate, a, -b]]
        return gate

    def xor3(self, a: int, b: int, c: int) -> int:
        """Give a XOR b XOR c."""
        if self._foldable(a, b, c):
            return self.xor(self.xor(a, b), c) if abs(c) == self.true else self.xor(a, self.xor(b, c))
        g = self.fresh()
        self.clauses += [[-g, a, b, c], [-g, a, -b, -c], [-g, -a, b, -c], [-g, -a, -b, c]]
        self.clauses += [[g, -a, -b, -c], [g, -a, b, c], [g, a, -b, c], [g, a, b, -c]]
        return g

    def majority(self, a: int, b: int, c: int) -> int:
        """Give the value that at least two of three have."""
        if self._foldable(a, b, c):
            return self.disjunction(self.conjunction(a, b), self.conjunction(c, self.disjunction(a, b)))
        g = self.fresh()
        self.clauses += [[-g, a, b], [-g, a, c], [-g, b, c], [g, -a, -b], [g, -a, -c], [g, -b, -c]]
        return g

    def choose(self, condition: int, then: int, other: int) -> int:
        """Give `then` where the condition holds, `other` where it does not."""
        if self._foldable(condition, then, other):
            return self.disjunction(self.conjunction(condition, then), self.conjunction(-condition, other))
        g = self.fresh()
        c, a, b = condition, then, other
        self.clauses += [[-c, -a, g], [-c, a, -g], [c, -b, g], [c, b, -g], [-a, -b, g], [a, b, -g]]
        return g

    def _foldable(self, a: int, b: int, c: int) -> bool:
        variables = {abs(a), abs(b), abs(c)}
        return len(variables) < 3 or self.true in variables
