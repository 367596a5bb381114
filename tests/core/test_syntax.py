"""Python is parsed in one thread at a time."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor

import pytest

from slotforge.core import syntax

SOURCE = "def f(x):\n    return " + "+".join(["(x * 2 - [x][0])"] * 60)


def test_many_threads_parse_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(lambda _: ast.dump(syntax.parse(SOURCE)), range(300)))
    assert set(trees) == {ast.dump(ast.parse(SOURCE))}


def test_an_expression_and_what_is_no_python() -> None:
    assert isinstance(syntax.parse("1 + 1", mode="eval").body, ast.BinOp)
    with pytest.raises(SyntaxError):
        syntax.parse("1 +")
