"""Whole numbers that are known before any array is: small enough, whatever is done to them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import Group, Int, Kind, Real

LOOP = 64  # rounds, and whole exponents
NESTED = 4  # tuples within tuples
WHOLE = 2.0**53


def whole(node: ast.AST, number: int) -> Int:
    """Return a known whole number, unless it is too large."""
    if abs(number) > WHOLE:
        raise Fault(node, "this whole number is too large: write it as 1e20")
    return Int(abs(number), number)


def nested(parts: Sequence[Kind]) -> int:
    """Return how deep tuples lie within tuples."""
    return 1 + max((nested(part.items) for part in parts if isinstance(part, Group)), default=0)


def arithmetic(node: ast.BinOp, left: Int, right: Int) -> Int | Real:
    """Calculate with whole numbers, which stay small, so that no power can fill the memory."""
    a, b = left.bound, right.bound
    exact: int | None = None
    x, y = left.exact, right.exact
    match node.op:
        case ast.Add() | ast.Sub():
            bound = a + b
            exact = None if x is None or y is None else x + y if isinstance(node.op, ast.Add) else x - y
        case ast.Mult():
            bound = a * b
            exact = None if x is None or y is None else x * y
        case ast.FloorDiv():
            bound = a + 1
            exact = None if x is None or not y else x // y
        case ast.Mod():
            bound = b
            exact = None if x is None or not y else x % y
        case ast.Pow():
            if b > LOOP or (a > 1 and a**b > WHOLE):
                raise Fault(node, f"this power is too large for whole numbers: {short(node)}; write the base as 10.0")
            if y is None or y < 0:
                return Real()
            bound = a**b
            exact = None if x is None else x**y
        case _:
            return Real()
    if bound > WHOLE:
        raise Fault(node, f"this whole number is too large: {short(node)}")
    return Int(bound, exact)
