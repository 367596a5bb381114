"""Judges calls: of array functions, questions of aux, helpers, len and range."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

from slotforge.solvers.optim import words
from slotforge.solvers.optim.walk import entries
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.functions import LARGEST, called
from slotforge.solvers.optim.walk.kinds import (
    Array,
    Group,
    Int,
    Kind,
    Listing,
    Many,
    Question,
    Space,
    Table,
    Text,
)
from slotforge.solvers.optim.walk.parts import Names, Parts, absent
from slotforge.solvers.optim.walk.whole import LOOP, whole


class Calls(Parts):
    """How calls are judged."""

    _depth: list[str]

    @abstractmethod
    def _function(self, node: ast.FunctionDef, given: Sequence[Kind]) -> Kind:
        """See the class that judges whole rules."""

    def _call(self, node: ast.Call, names: Names) -> Kind:
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(word.arg is None for word in node.keywords):
            raise Fault(node, f"* in a call is not allowed: {short(node)}")
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, names)
        if not isinstance(node.func, ast.Name):
            raise Fault(node, f"this may not be called: {short(node.func)}")
        name = node.func.id
        if node.keywords:
            raise Fault(node, f"give arguments by place: {short(node)}")
        if name in names:
            return self._ask(node, self.value(node.func, names), names)
        given = [self.value(arg, names) for arg in node.args]
        if name == "len":
            return self._length(node, given)
        if name == "range":
            return self._range(node, given)
        if (function := self._functions.get(name)) is None or name in words.SIGNATURES:
            raise Fault(
                node, words.BUILTINS.get(name, f"there is no function '{name}' to call: write xp.{name}, or a helper")
            )
        if name in self._depth:
            raise Fault(node, f"{name} calls itself: write a loop over range with a constant")
        if len(given) != len(function.args.args):
            raise Fault(node, f"{name} takes {len(function.args.args)} arguments: {short(node)}")
        return self._function(function, given)

    def _method(self, node: ast.Call, func: ast.Attribute, names: Names) -> Kind:
        base = self.value(func.value, names)
        self._count(node)
        match base:
            case Space("xp" | "linalg"):
                table = words.FUNCTIONS if base.name == "xp" else words.LINALG
                if func.attr not in table:
                    hint = f"{short(func)} is not among the functions that a rule may use"
                    raise Fault(node, absent(func, hint))
                given = [self.value(arg, names) for arg in node.args]
                keywords = {str(word.arg): self.value(word.value, names) for word in node.keywords}
                self._operations += 1
                return called(node, func.attr, table[func.attr], given, keywords)
            case Space("aux"):
                return self._ask(node, self.value(func, names), names)
            case Table() if func.attr in ("items", "keys", "values") and not node.args and not node.keywords:
                pairs = [(Text(key), value) for key, value in base.items.items()]
                pick: Mapping[str, Callable[[tuple[Kind, Kind]], Kind]] = {
                    "items": Group,
                    "keys": lambda pair: pair[0],
                    "values": lambda pair: pair[1],
                }
                return Group(tuple(pick[func.attr](pair) for pair in pairs))
        if func.attr == "append":
            raise Fault(node, "append stands in a line of its own, on a list of this function")
        raise Fault(node, absent(func, f"'.{func.attr}()' is not allowed: call a function of xp"))

    def _ask(self, node: ast.Call, question: Kind, names: Names) -> Kind:
        if not isinstance(question, Question):
            raise Fault(node, f"this may not be called: {short(node.func)}")
        given = [self.value(arg, names) for arg in node.args]
        if len(given) != 1 or node.keywords or not isinstance(given[0], Array):
            raise Fault(node, f"aux.{question.name} takes one array: {short(node)}")
        entries.only_numbers(node, given)
        self._operations += 1
        return Array(size=LARGEST if question.name == "hessian" else given[0].size)

    def _length(self, node: ast.Call, given: Sequence[Kind]) -> Kind:
        match given:
            case [Group() | Listing() | Table() as held]:
                return Int(len(held.items), len(held.items))
            case [Many(item=Int() as item) as held]:
                return Int(held.length, mixed=item.mixed)
            case [Many() as held]:
                return Int(held.length)
        raise Fault(node, "len is of tuples, lists and dicts: write x.shape[0] for an array")

    def _range(self, node: ast.Call, given: Sequence[Kind]) -> Kind:
        lengths = [kind for kind in given if isinstance(kind, Int)]
        if not 1 <= len(lengths) == len(given) <= 3:
            raise Fault(node, "range takes constants: the number of rounds must be known before the run")
        exact = [kind.exact for kind in lengths if kind.exact is not None]
        if len(exact) < len(lengths):
            most = max(kind.bound for kind in lengths)
            mixed = any(kind.mixed for kind in lengths) or any(number not in (0, 1) for number in exact)
            return Many(Int(most, mixed=mixed), most)
        if len(exact) == 3 and exact[2] == 0:
            raise Fault(node, "range needs a step other than 0")
        rounds = range(*exact)
        if len(rounds) > LOOP:
            raise Fault(node, f"a loop may have at most {LOOP} rounds, this has {len(rounds)}")
        return Group(tuple(whole(node, number) for number in rounds))
