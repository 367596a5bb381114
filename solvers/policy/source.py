"""The source of a policy as a syntax tree: what it does, without what is for people; and calling it.

Imported inside the sandbox as well, where every import is paid for by every candidate: the standard library alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from slotforge.core import syntax
from slotforge.core.errors import BuildError
from slotforge.solvers.policy.words import BUILTINS
from slotforge.solvers.sandbox.python_inside import UNTRUSTED


def parse(source: str) -> ast.Module:
    """Read a source, and leave out annotations, docstrings and the import of NumPy, which is there in any case.

    Raises:
        BuildError: it is no Python.
    """
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BuildError(f"line {line}: no Python: {getattr(error, 'msg', None) or error}") from None
    tree.body = [node for node in tree.body if not _is_numpy(node)]
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                node.returns = None
                node.body = _undocumented(node.body) or [ast.Pass(lineno=node.lineno, col_offset=0)]
            case ast.Module():
                node.body = _undocumented(node.body)
            case ast.arg():
                node.annotation = None
    return tree


def function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """Find a function at the top."""
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def arguments(node: ast.FunctionDef) -> list[str]:
    """Name the arguments of a function."""
    return [arg.arg for arg in node.args.args]


def load(source: str, name: str) -> Callable[..., Any]:
    """Make a function of a policy that was checked; for the inside of the sandbox alone.

    Raises:
        BuildError: it is no Python, or there is no such function.
    """
    import builtins

    import numpy as np

    def numpy_alone(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] != "numpy":
            raise ImportError(f"{name} is not there")
        return builtins.__import__(name, *rest)

    words = {word: getattr(builtins, word) for word in BUILTINS}
    known = {"__builtins__": {**words, "__import__": numpy_alone}, "np": np}  # methods of arrays import parts of NumPy
    exec(compile(parse(source), UNTRUSTED, "exec"), known)
    found = known.get(name)
    if not callable(found):
        raise BuildError(f"line 1: no function {name}")
    return found


def key(source: str) -> str:
    """Return a text that is equal for sources that differ in layout, comments, annotations and local names only."""
    tree = parse(source)
    top = {name for node in tree.body for name in ([node.name] if isinstance(node, ast.FunctionDef) else _stored(node))}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            _Renamed(_locals(node, top)).visit(node)
    return ast.dump(tree)


def _locals(node: ast.FunctionDef, top: Set[str]) -> Mapping[str, str]:
    """Give what is a local and nothing else a name that no source can have."""
    kept = {*top, *_bound(node)}
    names = (name for name in dict.fromkeys(_stored(node)) if name not in kept)
    return {name: f"<{place}>" for place, name in enumerate(names)}


def _stored(node: ast.stmt) -> Sequence[str]:
    """Name what is assigned to."""
    return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)]


def _bound(node: ast.stmt) -> Sequence[str]:
    """Name functions and arguments, those of lambdas included."""
    inside = list(ast.walk(node))
    functions = [inner.name for inner in inside if isinstance(inner, ast.FunctionDef)]
    return [*functions, *(inner.arg for inner in inside if isinstance(inner, ast.arg))]


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, node.id)
        return node


def _is_numpy(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) and [(one.name, one.asname) for one in node.names] == [("numpy", "np")]


def _undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if said else body
