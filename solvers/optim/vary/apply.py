"""Applies blocks of the grammar to places of a draft."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from slotforge.core import syntax
from slotforge.solvers.optim.vary.blocks import HELPERS, NUMBERS, Block
from slotforge.solvers.optim.vary.draft import Draft, Site, expression, filled

if TYPE_CHECKING:
    from numpy.random import Generator

Item = TypeVar("Item")


def choose(rng: Generator, items: Sequence[Item]) -> Item:
    """Draw one of some items, at least one."""
    return items[int(rng.integers(len(items)))]


def shown(node: ast.AST) -> str:
    """Quote an expression, shortened, so that it may stand in a docstring."""
    said = " ".join(ast.unparse(node).split()).replace("'", "").replace(";", ",")
    return f"`{said if len(said) <= 30 else said[:27] + '...'}`"


def put(draft: Draft, site: Site, block: Block, feed: str = "") -> str:
    """Build a block on the expression at a site.

    Args:
        feed: what the memory LAST of a second memory holds; nothing without one.

    Returns:
        What was done, in words.
    """
    parts = {"X": site.node}
    for name, number in NUMBERS.items():
        if name in block.answer or name in block.memory:
            parts[name] = draft.number(name.lower(), number)
    for name, value in (("last", feed), ("memory", block.memory)):
        if value:
            key = draft.fresh("m" if name == "memory" else name)
            old = "LAST" if name == "last" else "OLD"
            parts[old] = expression(f'state["{key}"]')
            made = filled(value, **parts)
            draft.remember(site, key, made, _start(draft, site))
            parts["NEW"] = expression(key)
    if block.helper and block.helper not in draft.functions:
        node = syntax.parse(HELPERS[block.helper]).body[0]
        if isinstance(node, ast.FunctionDef):
            draft.functions[node.name] = node
    told = block.words.replace("X", shown(site.node))
    site.put(filled(block.answer, **parts))
    return told


def _start(draft: Draft, site: Site) -> str:
    if isinstance(site.node, ast.Name) and site.node.id == "p":
        return "p"
    if site.scalar:
        return "xp.zeros_like(xp.sum(p))"
    return "p" if draft.slot == "restart" else "xp.zeros_like(p)"
