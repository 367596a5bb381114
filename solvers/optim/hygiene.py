"""The first, cheap line against bad source: only what a rule needs is allowed. The sandbox is the boundary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from slotforge.core import syntax
from slotforge.core.errors import BuildError
from slotforge.solvers.optim import words
from slotforge.solvers.optim.builtin import SLOTS
from slotforge.solvers.optim.rule import numbers
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.trace import Trace

SIZE = 8192  # characters of source
NESTED = 24  # brackets
DEPTH = 60  # of the syntax tree
FUNCTIONS = 16
NUMBERS = 16
NAME = 40  # characters
TOLD = 4  # faults at most

_GLUED = re.compile(r"\b[0-9][0-9a-fA-FxX_.]*(if|else|and|or|for|in|is|not)\b")


def check(slot: str, source: str) -> str | None:
    """Check a rule's source against what a rule may be made of.

    Args:
        slot: that the rule is for.
        source: of the rule: docstring, HP, constants, helpers, init and update.

    Returns:
        None when nothing is wrong; otherwise one line: where, what is not allowed, and what to write instead.
    """
    try:
        trace(slot, source)
    except (Fault, BuildError) as error:
        return str(error)
    except RecursionError:
        return "line 1: the rule is nested too deeply: write simpler code"
    return None


def trace(slot: str, source: str) -> tuple[ast.Module, Trace]:
    """Parse a rule and walk through it.

    Returns:
        The syntax tree, and what is known of its expressions.

    Raises:
        Fault: something in it is not allowed.
        BuildError: it is no Python, or HP is not in the right form.
    """
    if slot not in SLOTS:
        raise BuildError(f"no slot called '{slot}': choose from {', '.join(SLOTS)}")
    if fault := _characters(source):
        raise BuildError(fault)
    declared = numbers(source)
    tree = syntax.parse(source)
    _shallow(tree)
    _parts(tree)
    _module(tree)
    if len(declared) > NUMBERS:
        raise BuildError(f"line 1: HP has {len(declared)} numbers, at most {NUMBERS} can be tuned: make some constants")
    for name in declared:
        _name(tree, name)
    return tree, Trace(tree, slot, frozenset(declared))


def _characters(source: str) -> str | None:
    """What can be said without a syntax tree, so that what is parsed is small and plain."""
    if len(source) > SIZE:
        return f"line 1: the source has {len(source)} characters, at most {SIZE} are allowed: write a smaller rule"
    depth = 0
    for number, line in enumerate(source.split("\n"), 1):
        if not line.isprintable():
            return f"line {number}: only printable text is allowed, indented with spaces"
        if "\\" in line:
            return f"line {number}: a backslash is not allowed: use brackets for long lines"
        if found := _GLUED.search(line):
            return f"line {number}: put a blank between the number and the word in '{found[0]}'"
        for char in line:
            depth += (char in "([{") - (char in ")]}")
            if depth > NESTED:
                return f"line {number}: brackets nest deeper than {NESTED}: name parts of the expression"
    return None


def _shallow(tree: ast.Module) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise Fault(level[0], f"the code nests deeper than {DEPTH}: name parts of the expression")


def _parts(tree: ast.Module) -> None:
    """Hold every part against the allow list, and tell the first faults together, one a line."""
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.cmpop | ast.operator):  # is judged with what it stands in, which has a line
            continue
        try:
            _allowed(node)
        except Fault as fault:
            found.setdefault(fault.line, str(fault))
    if found:
        raise BuildError("; ".join(text for _, text in sorted(found.items())[:TOLD]))


def _allowed(node: ast.AST) -> None:
    kind = type(node).__name__
    if not isinstance(node, words.NODES):
        raise Fault(node, words.REFUSED.get(kind, f"{kind} is not allowed"))
    match node:
        case ast.Compare():
            for operator in node.ops:
                if not isinstance(operator, words.NODES):
                    raise Fault(node, words.REFUSED.get(type(operator).__name__, "this comparison is not allowed"))
        case ast.BinOp() if not isinstance(node.op, words.NODES):
            raise Fault(node, words.REFUSED.get(type(node.op).__name__, "this operator is not allowed"))
        case ast.Name():
            _name(node, node.id, stored=isinstance(node.ctx, ast.Store))
        case ast.arg():
            if node.annotation is not None:
                raise Fault(node, "annotations are not allowed: write the name alone")
            _name(node, node.arg, stored=True)
        case ast.keyword() if node.arg is not None:
            _name(node, node.arg)
        case ast.Attribute():
            _attribute(node)
        case ast.FunctionDef():
            _function(node)
        case ast.Assign() if len(node.targets) > 1:
            raise Fault(node, "one name is assigned at a time: write two lines")
        case ast.For() if node.orelse:
            raise Fault(node, "else after a loop is not allowed")
        case ast.comprehension() if node.is_async:
            raise Fault(node, "async is not allowed")
        case ast.ListComp() | ast.DictComp() | ast.GeneratorExp() if len(node.generators) > 1:
            raise Fault(node, "a comprehension has one for: write a loop")
        case ast.Constant():
            _constant(node)


def _name(node: ast.AST, name: str, *, stored: bool = False) -> None:
    if name == "_" and stored:
        return
    if name.startswith("_") or "__" in name:
        raise Fault(node, f"the name '{name}' is reserved: begin it with a letter")
    if not name.isascii() or len(name) > NAME:
        raise Fault(node, f"the name '{name[:NAME]}' must be of at most {NAME} ASCII letters")
    if stored and (name in words.BUILTINS or name in ("len", "range")):
        raise Fault(node, f"the name '{name}' may not be used here: choose another")


def _attribute(node: ast.Attribute) -> None:
    if isinstance(node.value, ast.Attribute):
        _attribute(node.value)
    _name(node, node.attr)
    known = (words.FUNCTIONS, words.LINALG, words.FACTS, words.QUESTIONS, words.ATTRIBUTES, words.METHODS, ("linalg",))
    if not any(node.attr in names for names in known):
        what = f"'.{node.attr}' is not among the functions and attributes that a rule may use"
        raise Fault(node, words.ABSENT.get(node.attr, what))


def _function(node: ast.FunctionDef) -> None:
    _name(node, node.name, stored=True)
    given = node.args
    if node.decorator_list or node.returns is not None or node.type_comment is not None:
        raise Fault(node, "decorators and annotations are not allowed: write def name(arguments)")
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs or given.defaults or given.kw_defaults:
        raise Fault(node, "arguments are plain names: no defaults, no *, no /")
    found = tuple(arg.arg for arg in given.args)
    wanted = words.SIGNATURES.get(node.name, found)
    if found != wanted:
        raise Fault(node, f"write def {node.name}({', '.join(wanted)})")


def _constant(node: ast.Constant) -> None:
    match node.value:
        case str() | bool() | None | int() | float():
            return
        case _ if node.value is Ellipsis:
            return
    raise Fault(node, f"{short(node)} is not allowed: numbers are whole or real")


def _module(tree: ast.Module) -> None:
    """Only the parts of a rule, each once; functions stand at the top only, and strings are docstrings or keys."""
    names: set[str] = set()
    for place, node in enumerate(tree.body):
        match node:
            case ast.Expr(value=ast.Constant(value=str())) if place == 0:
                continue
            case ast.Assign() if node.targets and all(isinstance(one, ast.Name) for one in _targets(node)):
                new = {one.id for one in _targets(node) if isinstance(one, ast.Name)}
            case ast.FunctionDef():
                new = {node.name}
                for inner in ast.walk(node):
                    if isinstance(inner, ast.FunctionDef) and inner is not node:
                        raise Fault(inner, "functions stand at the top of the file only")
            case _:
                raise Fault(node, "a file holds a docstring, HP, constants and functions only")
        if twice := sorted(names & new):
            raise Fault(node, f"'{twice[0]}' is defined twice")
        names |= new
        if isinstance(node, ast.Assign) and "HP" not in new:
            _number(node.value)
    for wanted, given in words.SIGNATURES.items():
        if not any(isinstance(node, ast.FunctionDef) and node.name == wanted for node in tree.body):
            raise Fault(tree, f"no function {wanted}: write def {wanted}({', '.join(given)})")
    _strings(tree)


def _targets(node: ast.Assign) -> list[ast.expr]:
    target = node.targets[0]
    return list(target.elts) if isinstance(target, ast.Tuple) else [target]


def _number(node: ast.expr) -> None:
    parts = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Name, ast.Tuple, ast.Load, ast.operator, ast.unaryop)
    for inner in ast.walk(node):
        if not isinstance(inner, parts) or (isinstance(inner, ast.Constant) and type(inner.value) not in (int, float)):
            raise Fault(node, f"constants at the top are numbers: {short(node)}; numbers to tune belong into HP")


def _strings(tree: ast.Module) -> None:
    fine = set(map(id, _fine(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in fine:
            raise Fault(node, f"a string may only be a key or a docstring: {short(node)}")


def _fine(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.FunctionDef() if node.body and isinstance(node.body[0], ast.Expr):
                yield node.body[0].value
            case ast.Dict():
                yield from (key for key in node.keys if key is not None)
            case ast.Subscript():
                yield node.slice
            case ast.Assign() if any(isinstance(one, ast.Name) and one.id == "HP" for one in node.targets):
                yield from ast.walk(node.value)
