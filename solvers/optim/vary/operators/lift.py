"""Makes a constant a number to tune."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Put a new number in the place of a positive constant."""
    from slotforge.solvers.optim.rule import Number

    found = [
        (node, name, part)
        for node in ast.walk(draft.update)
        if isinstance(node, ast.BinOp)
        for name, part in (("left", node.left), ("right", node.right))
        if isinstance(part, ast.Constant) and isinstance(part.value, (int, float)) and 0 < part.value < 1e6
    ]
    if not found:
        return None
    node, name, part = apply.choose(rng, found)
    value = float(part.value)  # type: ignore[arg-type]
    made = draft.number("number", Number(default=value, low=value / 100, high=value * 100, scale="log"))
    setattr(node, name, made)
    return f"a number for {value:g}"
