"""The first, cheap line against bad source: only what a policy needs is allowed. The sandbox is the boundary."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from slotforge.core.errors import BuildError
from slotforge.solvers.policy import words
from slotforge.solvers.policy.source import arguments, function, parse

SIZE = 16_384  # characters of source
NESTED = 40  # brackets
DEPTH = 80  # of the syntax tree
NAME = 60  # characters
INFINITE = ("inf", "-inf")  # the only strings: arguments of float


class _Fault(Exception):
    """Something is not allowed; the message names the line."""

    def __init__(self, node: ast.AST, said: str) -> None:
        super().__init__(f"line {getattr(node, 'lineno', 1)}: {said}")


def check(source: str, name: str, wanted: Sequence[str]) -> str | None:
    """Check the source of a policy against what it may be made of.

    Args:
        source: constants and functions.
        name: the function that is called.
        wanted: its arguments.

    Returns:
        None when nothing is wrong; otherwise one line: where, what is not allowed, and what to write instead.
    """
    try:
        _plain(source)
        tree = parse(source)
        _shallow(tree)
        for node in ast.walk(tree):
            _allowed(node)
        _module(tree)
        _strings(tree)
        found = function(tree, name)
        if found is None or arguments(found) != list(wanted):
            raise _Fault(found or tree, f"write def {name}({', '.join(wanted)})")
    except (_Fault, BuildError) as error:
        return str(error)
    except RecursionError:
        return "line 1: the code is nested too deeply: write simpler code"
    return None


def _plain(source: str) -> None:
    """Refuse what need not be parsed, so that what is parsed is small and printable."""
    if len(source) > SIZE:
        raise BuildError(f"line 1: the source has {len(source)} characters, at most {SIZE} are allowed")
    depth = 0
    for number, line in enumerate(source.split("\n"), 1):
        if not line.isprintable():
            raise BuildError(f"line {number}: only printable text is allowed, indented with spaces")
        for char in line:
            depth += (char in "([{") - (char in ")]}")
            if depth > NESTED:
                raise BuildError(f"line {number}: brackets nest deeper than {NESTED}: name parts of the expression")


def _shallow(tree: ast.Module) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise _Fault(level[0], f"the code nests deeper than {DEPTH}: name parts of the expression")


def _allowed(node: ast.AST) -> None:
    kind = type(node).__name__
    if not isinstance(node, words.NODES):
        raise _Fault(node, words.REFUSED.get(kind, f"{kind} is not allowed"))
    match node:
        case ast.Name():
            _name(node, node.id, stored=isinstance(node.ctx, ast.Store))
        case ast.arg():
            _name(node, node.arg, stored=True)
        case ast.keyword():
            _keyword(node)
        case ast.Attribute():
            _attribute(node)
        case ast.FunctionDef():
            _function(node)
        case ast.comprehension() if node.is_async:
            raise _Fault(node, "async is not allowed")
        case ast.Constant() if not isinstance(node.value, (str, bool, int, float, type(None), type(...))):
            raise _Fault(node, "numbers are whole or real")


def _name(node: ast.AST, name: str, *, stored: bool = False) -> None:
    if name == "_" and stored:
        return
    if name.startswith("_") or "__" in name:
        raise _Fault(node, f"the name '{name}' is reserved: begin it with a letter")
    if not name.isascii() or len(name) > NAME:
        raise _Fault(node, f"the name '{name[:NAME]}' must be of at most {NAME} ASCII letters")
    if stored and (name in words.BUILTINS or name == "np"):
        raise _Fault(node, f"the name '{name}' may not be given away: choose another")


def _keyword(node: ast.keyword) -> None:
    if node.arg is None:
        raise _Fault(node.value, "** in a call is not allowed")
    if node.arg in ("where", "out"):  # leave numbers as they are found in memory, or write where others read
        raise _Fault(node.value, f"{node.arg}= in a call is not allowed: write np.where(condition, one, other)")
    _name(node.value, node.arg)


def _attribute(node: ast.Attribute) -> None:
    if not isinstance(node.ctx, ast.Load):
        raise _Fault(node, "attributes cannot be changed")
    space = isinstance(node.value, ast.Name) and node.value.id == "np"
    if node.attr in words.NUMPY or (not space and node.attr in words.METHODS):
        return
    if ".random" in ast.unparse(node):
        raise _Fault(node, "random numbers are not there: the same question has the same answer")
    told = f"np.{node.attr}" if space else f".{node.attr}"
    raise _Fault(node, f"'{told}' is not among the functions and attributes that a policy may use")


def _function(node: ast.FunctionDef) -> None:
    _name(node, node.name, stored=True)
    given = node.args
    if node.decorator_list:
        raise _Fault(node, "decorators are not allowed")
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs or given.defaults:
        raise _Fault(node, "arguments are plain names: no defaults, no *, no /")


def _module(tree: ast.Module) -> None:
    """Only numbers and functions stand at the top, each name once."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_number(value):
                new = name
            case ast.FunctionDef(name=name):
                new = name
            case _:
                raise _Fault(node, "a file holds a docstring, constants and functions only; constants are numbers")
        if new in names:
            raise _Fault(node, f"'{new}' is defined twice")
        names.add(new)


def _is_number(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and type(inner.value) in (int, float)


def _strings(tree: ast.Module) -> None:
    fine = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            fine |= {id(arg) for arg in node.args if isinstance(arg, ast.Constant) and arg.value in INFINITE}
        if isinstance(node, ast.Dict):
            fine |= set(map(id, node.keys))
        if isinstance(node, ast.Subscript):
            fine.add(id(node.slice))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in fine:
            raise _Fault(node, "a string may only be a key or a docstring")
