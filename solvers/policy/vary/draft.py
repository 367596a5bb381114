"""A policy that is being changed: its function, with numbers in their places, and what of it may be replaced."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slotforge.core import syntax
from slotforge.core.errors import BuildError
from slotforge.solvers.policy.source import function, parse

ELEMENTWISE = frozenset((
    "abs", "add", "cbrt", "clip", "cos", "diff", "divide", "exp", "expm1", "fmax", "fmin", "hypot", "log", "log10",
    "log1p", "log2", "maximum", "minimum", "multiply", "nan_to_num", "negative", "power", "reciprocal", "sign", "sin",
    "sqrt", "square", "subtract", "tan", "tanh", "where",
))  # fmt: skip
PLACES = frozenset(("argmin", "argmax"))


@dataclass(frozen=True, kw_only=True)
class Site:
    """An expression that is a number for each choice, or one for all; holder, name, place: where it stands."""

    node: ast.expr
    holder: ast.AST
    name: str
    place: int | None

    def put(self, new: ast.expr) -> None:
        """Write another expression in its place."""
        if self.place is None:
            setattr(self.holder, self.name, new)
        else:
            getattr(self.holder, self.name)[self.place] = new


@dataclass(kw_only=True)
class Draft:
    """See `read`.

    said: the docstring.
    others: helper functions, as they are.
    """

    said: str
    main: ast.FunctionDef
    others: list[ast.FunctionDef]
    returns_scores: bool

    def sites(self) -> list[Site]:
        """Find the expressions that may be replaced."""
        found: list[Site] = []
        for node in ast.walk(self.main):
            match node:
                case ast.Return(value=ast.expr()):
                    found += _within(node, fine=self.returns_scores)
                case ast.Assign() | ast.AugAssign():
                    found += _within(node, fine=isinstance(node.value, (ast.BinOp, ast.UnaryOp)))
        return [site for site in found if not isinstance(site.node, ast.Constant)]

    def numbers(self) -> list[ast.Constant]:
        """Find the real numbers."""
        return [node for node in ast.walk(self.main) if isinstance(node, ast.Constant) and _is_real(node)]

    def flat(self) -> ast.expr | None:
        """Return what is returned as one expression of the arguments; None where there is more than assignments."""
        known: dict[str, ast.expr] = {}
        for node in self.main.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    known[name] = filled(value, known)
                case ast.Return(value=ast.expr() as value):
                    return filled(value, known)
                case _:
                    return None
        return None


def read(source: str, name: str, *, returns_scores: bool) -> Draft:
    """Take a policy apart: constants at its top stand where they are used.

    Raises:
        BuildError: it is no policy.
    """
    tree = parse(source)
    known: dict[str, ast.expr] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=constant)], value=value):
                known[constant] = value
    main = function(tree, name)
    if main is None:
        raise BuildError(f"line 1: no function {name}")
    written = function(syntax.parse(source), name)
    if written is not None:  # annotations are for people
        main.args, main.returns = written.args, written.returns
    main.body = [_Fill(known).visit(node) for node in main.body]
    others = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node is not main]
    others = [_Fill(known).visit(node) for node in others]
    said = ast.get_docstring(syntax.parse(source)) or "A policy."
    return Draft(said=said, main=main, others=others, returns_scores=returns_scores)


def expression(text: str) -> ast.expr:
    """Parse an expression."""
    return syntax.parse(text, mode="eval").body


def filled(node: ast.expr, parts: Mapping[str, ast.expr]) -> ast.expr:
    """Copy an expression, with others in the place of names."""
    made: ast.expr = _Fill(parts).visit(copy.deepcopy(node))
    return made


def inner(node: ast.expr) -> list[Site]:
    """Find the expressions within one that is a score, itself among them."""
    holder = ast.Return(value=node)
    return list(_within(holder, fine=True))


def size(node: ast.AST) -> int:
    """Count the nodes of an expression."""
    return sum(1 for _ in ast.walk(node))


class _Fill(ast.NodeTransformer):
    def __init__(self, parts: Mapping[str, ast.expr]) -> None:
        self._parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._parts and isinstance(node.ctx, ast.Load):
            return copy.deepcopy(self._parts[node.id])
        return node


def _within(holder: ast.AST, *, fine: bool) -> Iterator[Site]:
    """Find the sites in what a node holds; what a statement holds is one itself where that is `fine`."""
    for name, place, node, good in _held(holder, fine):
        if good:
            yield Site(node=node, holder=holder, name=name, place=place)
        yield from _within(node, fine=True)


def _held(holder: ast.AST, fine: bool) -> list[tuple[str, int | None, ast.expr, bool]]:
    """List the expressions right below a node that may be scores or hold some, and which of them are scores."""
    match holder:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) | ast.AugAssign(value=value):
            return [("value", None, value, fine)]
        case ast.BinOp():
            return [("left", None, holder.left, True), ("right", None, holder.right, True)]
        case ast.UnaryOp(op=ast.USub()):
            return [("operand", None, holder.operand, True)]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)) if name in ELEMENTWISE | PLACES:
            first = 1 if name == "where" else 0
            return [("args", place, arg, True) for place, arg in enumerate(holder.args) if place >= first]
        case ast.Subscript(slice=ast.Call(func=ast.Attribute(attr=name)) as chosen) if name in PLACES:
            return [("slice", None, chosen, False)]
    return []


def _is_real(node: ast.Constant) -> bool:
    return type(node.value) is float and node.value != 0
