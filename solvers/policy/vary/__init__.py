"""Search without a model: new policies by varying and recombining the expressions of the parents, with a grammar."""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError, UsageError
from slotforge.core.types import Request, Slot
from slotforge.solvers.policy.hygiene import check
from slotforge.solvers.policy.numbers import declared
from slotforge.solvers.policy.source import arguments, function, key, parse
from slotforge.solvers.policy.vary.changes import CHANGES, graft
from slotforge.solvers.policy.vary.draft import Draft, read, size
from slotforge.solvers.policy.vary.grammar import Grammar

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["Grammar", "vary"]

_TRIES = 60
_AGAIN = 0.6  # chance of one more change in the same variation
_MOST = 4  # changes in one variation
_LARGEST = 150  # nodes, or _ROOM more than the parent has
_ROOM = 30
_REMEMBERED = 5  # changes that the docstring tells
_PREFIX = "Variation of "
_WIDTH = 110


def vary(request: Request, slots: Mapping[str, Slot], grammar: Grammar, rng: Generator) -> Mapping[str, str]:
    """Write the requested slots anew.

    Args:
        request: its parents are varied, the first above all; a parent without a slot has the default there. Operator
            "fresh" starts from the default, "crossover" recombines the first parent with the others.
        slots: of the domain; other policies of the literature are donors as well.
        grammar: of the domain.

    Returns:
        Slot name to source: allowed by the static check, different from the parents, with a docstring that says what
        was done.

    Raises:
        UsageError: a slot is not known.
        BuildError: no change was possible.
    """
    if unknown := set(request.slots) - slots.keys():
        raise UsageError(f"no slot called '{sorted(unknown)[0]}': choose among {', '.join(slots)}")
    return {name: _vary_slot(request, slots[name], grammar, rng) for name in request.slots}


def _vary_slot(request: Request, slot: Slot, grammar: Grammar, rng: Generator) -> str:
    main = function(parse(slot.default), slot.name)
    wanted = arguments(main) if main else []
    given = [parent.slots.get(slot.name, slot.default) for parent in request.parents]
    parents = [source for source in given if check(source, slot.name, wanted) is None]
    host = slot.default if request.operator == "fresh" or not parents else parents[0]
    recombine = request.operator == "crossover" and len(parents) > 1
    others = parents[1:] if recombine else [*parents[1:], *slot.variants.values()]
    refused = {key(source) for source in [host, *parents]}
    for _ in range(_TRIES):
        draft = _read(slot.name, host, grammar)
        donors = [_read(slot.name, other, grammar) for other in others if other != host]
        if not _apply(draft, donors, grammar, rng, recombine=recombine):
            continue
        source = _write(draft)
        if check(source, slot.name, wanted) is None and key(source) not in refused:
            return source
    raise BuildError(f"{slot.name}: no variation of this policy was found: write it as scores that are compared")


def _read(name: str, source: str, grammar: Grammar) -> Draft:
    return read(source, name, returns_scores=grammar.returns_scores)


def _apply(draft: Draft, donors: Sequence[Draft], grammar: Grammar, rng: Generator, *, recombine: bool) -> bool:
    """Make some changes, one after the other; False when none was possible or the result is too large."""
    count = 1
    while count < _MOST and rng.random() < _AGAIN:
        count += 1
    changes, weights = list(CHANGES), [weight / sum(CHANGES.values()) for weight in CHANGES.values()]
    largest = max(_LARGEST, size(draft.main) + _ROOM)
    done: list[str] = []
    for _ in range(4 * count):
        change = graft if recombine and not done else changes[int(rng.choice(len(changes), p=weights))]
        if told := change(draft, donors, grammar, rng):
            done.append(told)
        if len(done) == count:
            break
    _tidy(draft.main)
    draft.said = _said(draft.said, done)
    return bool(done) and size(draft.main) <= largest


def _tidy(main: ast.FunctionDef) -> None:
    """Drop assignments to names that are read no more."""
    before = -1
    while before != size(main):
        before = size(main)
        read = {node.id for node in ast.walk(main) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        main.body = [node for node in main.body if _is_read(node, read)]


def _is_read(node: ast.stmt, read: set[str]) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in read
    return True


def _said(words: str, done: Sequence[str]) -> str:
    """Add changes to what the docstring of an earlier variation tells."""
    paragraph = " ".join(words.partition("\n\n")[0].split())
    if paragraph.startswith(_PREFIX):
        name, _, rest = paragraph.removeprefix(_PREFIX).partition(": ")
        history = rest.removesuffix(".").split("; ")
    else:
        name, history = paragraph.partition(": ")[0].rstrip(".")[:60], []
    return f"{_PREFIX}{name}: {'; '.join([*history, *done][-_REMEMBERED:])}."


def _write(draft: Draft) -> str:
    """Lay a draft out as a file, with its numbers as constants that have a range."""
    main, constants = _lifted(draft.main)
    said = textwrap.fill(draft.said.replace('"', "'").replace("\\", "/"), _WIDTH, break_long_words=False)
    functions = [ast.unparse(ast.fix_missing_locations(node)) for node in (*draft.others, main)]
    head = f'"""{said}\n"""\n\nimport numpy as np\n'
    return head + "".join(f"\n{line}" for line in constants) + "\n\n\n" + "\n\n\n".join(functions) + "\n"


def _lifted(main: ast.FunctionDef) -> tuple[ast.FunctionDef, list[str]]:
    """Name the positive real numbers of a function, and declare each at the top."""
    lines: list[str] = []
    taken = {node.id for node in ast.walk(main) if isinstance(node, ast.Name)}
    names = (name for name in (f"C{place}" for place in range(1, 1000)) if name not in taken)

    class Lift(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.expr:
            if type(node.value) is not float or not 0 < node.value < 1e12:
                return node
            name = next(names)
            lines.append(declared(name, node.value, f"{node.value / 10:.3g}", f"{node.value * 10:.3g}"))
            return ast.Name(name, ast.Load())

    lifted: ast.FunctionDef = Lift().visit(copy.deepcopy(main))
    return lifted, lines
