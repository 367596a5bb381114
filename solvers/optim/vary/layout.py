"""Writes a draft as a file: nothing unused, nothing longer than a line."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Sequence

from slotforge.core import syntax
from slotforge.solvers.optim.rule import Number
from slotforge.solvers.optim.vary.draft import Draft, size
from slotforge.solvers.optim.vary.simplify import simplify

WIDTH = 120
_KEY = re.compile(r"'(\w+)'")


def write(draft: Draft) -> str:
    """Simplify a draft and lay it out as a rule file."""
    simplify(draft)
    parts = [_docstring(draft.words)]
    if draft.numbers:
        parts.append(_numbers(draft.numbers))
    if draft.constants:
        parts.append("\n".join(map(ast.unparse, draft.constants)))
    order = ["init", *(name for name in draft.functions if name not in ("init", "update")), "update"]
    for name in order:
        _split(draft, draft.functions[name].body, 4)
    return "\n\n".join(parts) + "\n\n\n" + "\n\n\n".join(_code(draft.functions[name]) for name in order) + "\n"


def _docstring(said: str) -> str:
    words = said.replace('"', "'").replace("\\", "/")
    if len(words) <= WIDTH - 6:
        return f'"""{words}"""'
    filled = textwrap.fill(words, WIDTH, initial_indent='"""', break_long_words=False, break_on_hyphens=False)
    return filled + '\n"""'


def _numbers(numbers: dict[str, Number]) -> str:
    items = [
        f'"{name}": ({one.default!r}, {one.low!r}, {one.high!r}, {json.dumps(one.scale)})'
        for name, one in numbers.items()
    ]
    line = f"HP = {{{', '.join(items)}}}"
    return line if len(line) <= WIDTH else "HP = {\n" + "".join(f"    {item},\n" for item in items) + "}"


def _code(node: ast.AST) -> str:
    lines = ast.unparse(ast.fix_missing_locations(node)).splitlines()
    return _KEY.sub(r'"\1"', "\n".join(map(_bare, lines)))


def _bare(line: str) -> str:
    """Take the brackets off a tuple that is returned."""
    head, word, rest = line.partition("return (")
    if not word or head.strip() or not rest.endswith(")"):
        return line
    bare = f"return {rest[:-1]}"
    try:
        same = ast.dump(syntax.parse(bare)) == ast.dump(syntax.parse(line.strip()))
    except SyntaxError:
        same = False
    return head + bare if same else line


def _split(draft: Draft, body: list[ast.stmt], indent: int) -> None:
    """Name parts of expressions until every statement fits into a line."""
    place = 0
    while place < len(body):
        node = body[place]
        if isinstance(node, (ast.If, ast.For)):
            _split(draft, node.body, indent + 4)
            _split(draft, node.orelse, indent + 4)
        elif indent + len(ast.unparse(node)) > WIDTH:
            if (branches := _branches(node)) is not None:
                body[place] = branches
                continue
            if (part := _part(node)) is not None:
                name = draft.fresh("part")
                body.insert(place, ast.Assign(targets=[ast.Name(name, ast.Store())], value=part, lineno=0))
                _Swap(part, name).visit(node)
                continue
        place += 1


def _branches(node: ast.stmt) -> ast.If | None:
    """Write a choice between two values as a statement, where a name is given one of them."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.IfExp(test=test, body=yes, orelse=no)):
            given = [ast.Assign(targets=[ast.Name(name, ast.Store())], value=value, lineno=0) for value in (yes, no)]
            return ast.If(test, [given[0]], [given[1]])
    return None


def _part(node: ast.stmt) -> ast.expr | None:
    """Choose the part that is nearest to half the length."""
    inner = [one for one in _steady(node) if isinstance(one, (ast.BinOp, ast.Call, ast.IfExp)) and size(one) > 4]
    whole = len(ast.unparse(node))
    fitting = [one for one in inner if one is not getattr(node, "value", None) and len(ast.unparse(one)) < whole - 10]
    return min(fitting, key=lambda one: abs(len(ast.unparse(one)) - whole / 2), default=None)


def _steady(node: ast.AST) -> Sequence[ast.AST]:
    """Walk through expressions that are evaluated in any case."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.IfExp):
            found.append(child)
        elif not isinstance(child, (ast.BoolOp, ast.ListComp, ast.DictComp, ast.GeneratorExp)):
            found += [child, *_steady(child)]
    return found


class _Swap(ast.NodeTransformer):
    def __init__(self, node: ast.expr, name: str) -> None:
        self._node, self._name = node, name

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._node:
            return ast.Name(self._name, ast.Load())
        visited: ast.AST = self.generic_visit(node)
        return visited
