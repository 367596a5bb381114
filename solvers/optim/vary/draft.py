"""A rule in parts that can be changed: its numbers, its functions, and the places of its expressions."""

from __future__ import annotations

import ast
import copy
import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slotforge.core import syntax
from slotforge.solvers.optim import words
from slotforge.solvers.optim.hygiene import trace
from slotforge.solvers.optim.rule import Number, numbers
from slotforge.solvers.optim.walk.kinds import Array

Body = list[ast.stmt]


@dataclass(frozen=True, kw_only=True)
class Site:
    """An expression of update whose value is an array of numbers.

    holder, name, place: the node that holds it, in which field, and at which place of a list there.
    body, statement: where it stands.
    """

    node: ast.expr
    scalar: bool
    holder: ast.AST
    name: str
    place: int | None
    body: Body
    statement: ast.stmt

    def put(self, new: ast.expr) -> None:
        """Write another expression in its place."""
        if self.place is None:
            setattr(self.holder, self.name, new)
        else:
            getattr(self.holder, self.name)[self.place] = new


@dataclass
class Draft:
    """A rule that is being changed: see `read`."""

    slot: str
    words: str
    numbers: dict[str, Number]
    constants: list[ast.stmt]
    functions: dict[str, ast.FunctionDef]
    sites: list[Site] = field(default_factory=list)

    @property
    def update(self) -> ast.FunctionDef:
        """The function update."""
        return self.functions["update"]

    def names(self) -> set[str]:
        """Collect all names that are taken: of variables, functions, numbers and keys."""
        found = {*self.numbers, *words.BUILTINS, *words.SIGNATURES["update"], *self.functions, "len", "range", "HP"}
        for node in [*self.constants, *self.functions.values()]:
            for inner in ast.walk(node):
                match inner:
                    case ast.Name(id=name) | ast.arg(arg=name) | ast.Constant(value=str() as name):
                        found.add(name)
        return found

    def fresh(self, name: str) -> str:
        """Return a name like this one that is free."""
        taken = self.names()
        return next(one for one in (name, *(f"{name}{i}" for i in range(2, 100))) if one not in taken and not
                    keyword.iskeyword(one))  # fmt: skip

    def number(self, name: str, number: Number) -> ast.expr:
        """Declare a number under a free name, and return the expression that reads it."""
        free = self.fresh(name)
        self.numbers[free] = number
        return expression(f'hp["{free}"]')

    def remember(self, site: Site, name: str, value: ast.expr, start: str) -> str:
        """Keep a new array in the state: the statement before a site gives its value, a local of its name holds it.

        Args:
            start: what init makes it of, as an expression of xp and p.
        """
        place = site.body.index(site.statement)
        site.body.insert(place, ast.Assign(targets=[ast.Name(name, ast.Store())], value=value, lineno=0))
        after = {id(node) for statement in site.body[place:] for node in ast.walk(statement)}
        for told in returns(self.update):
            if isinstance(told.value, ast.Tuple):
                kept = expression(name if id(told) in after else f'state["{name}"]')
                told.value.elts[1] = _with(told.value.elts[1], name, kept)
        for told in returns(self.functions["init"]):
            if told.value is not None:
                told.value = _with(told.value, name, expression(start))
        return name


def read(slot: str, source: str) -> Draft:
    """Take a rule apart.

    Raises:
        Fault, BuildError: the rule is not allowed.
    """
    tree, walked = trace(slot, source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    constants: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and not (isinstance(node.targets[0], ast.Name) and node.targets[0].id == "HP")
    ]
    said = ast.get_docstring(tree) or "A rule."
    draft = Draft(slot=slot, words=said, numbers=numbers(source), constants=constants, functions=functions)
    draft.sites = list(_sites(draft.update.body, walked.kinds))
    return draft


def returns(node: ast.FunctionDef) -> list[ast.Return]:
    """Find the returns of a function."""
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)]


def expression(text: str) -> ast.expr:
    """Parse an expression."""
    return syntax.parse(text, mode="eval").body


def filled(text: str, **parts: ast.expr) -> ast.expr:
    """Parse an expression, with others in the place of names."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(parts[node.id]) if node.id in parts else node

    made: ast.expr = Fill().visit(expression(text))
    return made


def size(node: ast.AST) -> int:
    """Count the nodes of an expression."""
    return sum(1 for _ in ast.walk(node))


def _with(table: ast.expr, name: str, value: ast.expr) -> ast.Dict:
    held = table if isinstance(table, ast.Dict) else ast.Dict(keys=[None], values=[table])
    held.keys.append(ast.Constant(name))
    held.values.append(value)
    return held


def _sites(body: Body, kinds: Mapping[int, object]) -> Iterator[Site]:
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _sites(statement.body, kinds)
            yield from _sites(statement.orelse, kinds)
        elif isinstance(statement, (ast.Assign, ast.Return)):
            yield from _within(statement, statement, body, kinds)


def _within(holder: ast.AST, statement: ast.stmt, body: Body, kinds: Mapping[int, object]) -> Iterator[Site]:
    for name, value in ast.iter_fields(holder):
        if name in ("targets", "slice", "ctx", "generators"):
            continue
        for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.expr):
                continue
            kind = kinds.get(id(node))
            if isinstance(kind, Array) and not kind.mask and not kind.index:
                yield Site(
                    node=node, scalar=kind.scalar, holder=holder, name=name, place=place, body=body, statement=statement
                )
            if not isinstance(node, (ast.ListComp, ast.DictComp, ast.GeneratorExp)):
                yield from _within(node, statement, body, kinds)
