"""Ways to change a draft: each tells what it did, in words, or None where it found nothing to do."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from slotforge.solvers.policy.vary.draft import Draft, expression, filled, inner, size
from slotforge.solvers.policy.vary.grammar import BLOCKS, Grammar

if TYPE_CHECKING:
    from numpy.random import Generator

Item = TypeVar("Item")
Change = Callable[[Draft, Sequence[Draft], Grammar, "Generator"], str | None]

SPREAD = 0.7  # of the logarithm of a number's change
WIDE = 1.5  # of that of a new number
LARGEST_GRAFT = 60  # nodes
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def wrap(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Build on an expression with a block of the grammar."""
    blocks = {**BLOCKS, **dict(grammar.blocks)}
    weights = [weight / sum(blocks.values()) for weight in blocks.values()]
    if not (sites := draft.sites()):
        return None
    site, block = choose(rng, sites), str(rng.choice(list(blocks), p=weights))
    told = filled(expression(block), {name: _term(grammar, rng) for name in "TUV"})
    site.put(filled(_numbered(told, rng), {"X": site.node}))
    return f"{shown(site.node)} became {shown(filled(told, {'X': expression('it')}))}"


def replace(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Put a term in the place of an expression."""
    if not (sites := draft.sites()):
        return None
    site, term = choose(rng, sites), _term(grammar, rng)
    site.put(term)
    return f"{shown(term)} for {shown(site.node)}"


def delete(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Put a part of an expression in the place of the whole."""
    sites = [(site, part) for site in draft.sites() for part in inner(site.node) if part.node is not site.node]
    if not sites:
        return None
    site, part = choose(rng, sites)
    site.put(part.node)
    return f"{shown(part.node)} in the place of {shown(site.node)}"


def turn(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Change an operator."""
    found = [site.node for site in draft.sites() if isinstance(site.node, ast.BinOp)]
    if not found:
        return None
    node = choose(rng, found)
    before = shown(node)
    node.op = choose(rng, [kind for kind in OPERATORS if not isinstance(node.op, kind)])()
    return f"{shown(node)} for {before}"


def number(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Change a number by a factor."""
    if not (found := draft.numbers()):
        return None
    node = choose(rng, found)
    old = float(node.value)  # type: ignore[arg-type]
    node.value = float(f"{old * float(rng.lognormal(0.0, SPREAD)):.3g}")
    return f"{node.value:g} for {old:g}"


def graft(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator) -> str | None:  # noqa: ARG001
    """Put an expression of another policy beside one of this, or in its place."""
    flat = [made for donor in donors if (made := donor.flat()) is not None]
    if not flat or not (sites := draft.sites()):
        return None
    source = choose(rng, flat)
    scores = [one.node for one in inner(source) if draft.returns_scores or one.node is not source]
    parts = [node for node in scores if size(node) <= LARGEST_GRAFT and not isinstance(node, ast.Constant)]
    if not parts:
        return None
    site, part = choose(rng, sites), copy.deepcopy(choose(rng, parts))
    block = choose(rng, ("Y", "X + N * Y", "X - N * Y"))
    site.put(filled(_numbered(expression(block), rng), {"X": site.node, "Y": part}))
    return f"{shown(part)} of another policy {'for' if block == 'Y' else 'beside'} {shown(site.node)}"


CHANGES: dict[Change, float] = {wrap: 8.0, replace: 2.0, delete: 2.0, turn: 1.0, number: 4.0, graft: 2.0}


def choose(rng: Generator, items: Sequence[Item]) -> Item:
    """Draw one of some items, at least one."""
    return items[int(rng.integers(len(items)))]


def shown(node: ast.AST) -> str:
    """Quote an expression, shortened, so that it may stand in a docstring."""
    said = " ".join(ast.unparse(ast.fix_missing_locations(node)).split()).replace(";", ",")
    return f"`{said if len(said) <= 40 else said[:37] + '...'}`"


def _term(grammar: Grammar, rng: Generator) -> ast.expr:
    return expression(choose(rng, grammar.terms))


def _numbered(node: ast.expr, rng: Generator) -> ast.expr:
    """Put a new number wherever N stands."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return ast.Constant(float(f"{float(rng.lognormal(0.0, WIDE)):.3g}")) if name.id == "N" else name

    made: ast.expr = Fill().visit(node)
    return made
