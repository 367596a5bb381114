"""Moves an expression from one rule into another, with all that it needs, renamed where names collide."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary.apply import choose, shown
from slotforge.solvers.optim.vary.draft import Draft, returns

if TYPE_CHECKING:
    from numpy.random import Generator


def graft(host: Draft, donor: Draft, rng: Generator) -> str | None:
    """Put an expression of the donor in the place of one of the host; None when the donor's form does not allow it."""
    *before, last = donor.update.body
    if not isinstance(last, ast.Return) or not all(isinstance(node, (ast.Assign, ast.Expr)) for node in before):
        return None
    if len(returns(donor.functions["init"])) != 1 or not isinstance(last.value, ast.Tuple):
        return None
    start = returns(donor.functions["init"])[0].value
    if len(donor.functions["init"].body) != 1 or not isinstance(start, ast.Dict):
        return None
    source = choose(rng, donor.sites)
    sites = [site for site in host.sites if site.scalar == source.scalar and site.body is host.update.body]
    if not sites or not isinstance(last.value.elts[1], ast.Dict):
        return None
    site = choose(rng, sites)
    names = _renamed(host, donor)
    place = site.body.index(site.statement)
    table = last.value.elts[1]
    site.body[place:place] = [_copied(node, names) for node in before if isinstance(node, ast.Assign)]
    for key, value, first in zip(table.keys, table.values, _starts(table, start), strict=True):
        if not isinstance(key, ast.Constant) or first is None:
            return None
        name = names[str(key.value)]
        local = _copied(value, names)
        held = host.remember(site, name, local, ast.unparse(first))
        names[str(key.value)] = held
    host.constants += [_copied(node, names) for node in donor.constants]
    for name, function in donor.functions.items():
        if name not in ("init", "update"):
            host.functions[names[name]] = _copied(function, names)
    told = f"{shown(source.node)} of another rule for {shown(site.node)}"
    site.put(_copied(source.node, names))
    return told


def _starts(table: ast.Dict, start: ast.Dict) -> list[ast.expr | None]:
    made = {
        key.value: value for key, value in zip(start.keys, start.values, strict=True) if isinstance(key, ast.Constant)
    }
    return [made.get(key.value) if isinstance(key, ast.Constant) else None for key in table.keys]


def _renamed(host: Draft, donor: Draft) -> dict[str, str]:
    """Give everything that the donor names, but the arguments, a name that is free in the host."""
    fixed = {arg.arg for arg in donor.update.args.args}
    own = {*donor.numbers, *(name for name in donor.functions if name not in ("init", "update"))}
    for node in [*donor.constants, donor.update]:
        for inner in ast.walk(node):
            match inner:
                case ast.Name(id=name, ctx=ast.Store()) | ast.Constant(value=str() as name):
                    own.add(name)
    taken, names = {*host.names(), *fixed}, dict[str, str]()
    for name in sorted(own - fixed):
        free = next(one for one in (name, *(f"{name}{i}" for i in range(2, 99))) if one not in taken)
        names[name] = free
        taken.add(free)
    for name, number in donor.numbers.items():
        host.numbers[names[name]] = number
    return names


class _Rename(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(self._names.get(node.value, node.value) if isinstance(node.value, str) else node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        for arg in node.args.args:
            arg.arg = self._names.get(arg.arg, arg.arg)
        return self.generic_visit(node)


def _copied(node: ast.AST, names: dict[str, str]):  # type: ignore[no-untyped-def]
    return _Rename(names).visit(copy.deepcopy(node))
