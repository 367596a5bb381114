"""A rule: one Python file against the array API, read into two functions and the numbers that it declares.

HP = {"lr": (0.1, 1e-4, 10.0, "log"), "beta": (0.9, 0.0, 0.999, "linear")}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = hp["beta"] * state["m"] + g
    return p - hp["lr"] * m, {"m": m}
"""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slotforge.core import syntax
from slotforge.core.errors import BuildError
from slotforge.core.types import Record

Array = Any
State = Mapping[str, Array]
LIBRARIES = ("numpy", "ml_dtypes", "jax", "jaxlib", "torch")


def _of_libraries(name: str, *rest: Any) -> Any:
    """Import for compiled code of the array libraries, which does so with what the caller has, on its first use."""
    if name.partition(".")[0] not in LIBRARIES:
        raise ImportError(f"a rule imports nothing: {name}")
    return builtins.__import__(name, *rest)


BUILTINS: Mapping[str, object] = {"len": len, "range": range, "__import__": _of_libraries}


class Number(Record):
    """A number of a rule that is tuned outside the model: its default, and the range with its scale."""

    default: float
    low: float
    high: float
    scale: Literal["linear", "log"]

    def at(self, unit: float) -> float:
        """Return the value at a place in [0, 1] of the range."""
        if self.scale == "log":
            return math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        return self.low + unit * (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that can be run.

    init: (xp, p) -> state, a dict of arrays.
    update: (xp, g, state, p, hp, t, aux) -> (answer, state). t counts from 1. The answer is the next p, or what the
        slot says.
    numbers: what is tuned.
    origin: the arguments of `load` that made it.
    """

    init: Callable[[Any, Array], State]
    update: Callable[..., tuple[Array, State]]
    numbers: Mapping[str, Number]
    origin: tuple[str, str] = ("", "")

    @property
    def line(self) -> int:
        """Return the line of the last `return` of `update`, 1 where there is no source."""
        updates = [node for node in _parse(self.origin[0]).body if getattr(node, "name", "") == "update"]
        returns = [node.lineno for one in updates for node in ast.walk(one) if isinstance(node, ast.Return)]
        return max(returns, default=1)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a rule as its source."""
        return load, self.origin

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Name the numbers whose range has no negative values, as that of a rate."""
        return tuple(name for name, number in self.numbers.items() if number.low >= 0)


def numbers(source: str) -> dict[str, Number]:
    """Read the declared numbers without running anything.

    Raises:
        BuildError: the file is no Python, or HP is not a literal of the form shown above.
    """
    for node in _parse(source).body:
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["HP"]:
            return _numbers(node)
    return {}


def _parse(source: str) -> ast.Module:
    try:
        return syntax.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BuildError(f"line {line}: {getattr(error, 'msg', None) or error}") from None


def _numbers(node: ast.Assign) -> dict[str, Number]:
    where = f"line {node.lineno}: HP"
    try:
        declared = ast.literal_eval(node.value)
        found = {
            str(name): Number(default=default, low=low, high=high, scale=scale)
            for name, (default, low, high, scale) in declared.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        said = str(error).partition("\n")[0]
        raise BuildError(f'{where} must be {{"name": (default, low, high, "log" or "linear"), ...}}: {said}') from None
    for name, number in found.items():
        if not (name.isidentifier() and all(map(math.isfinite, (number.low, number.high)))):
            raise BuildError(f"{where}: '{name}' needs a plain name and finite bounds")
        if not number.low < number.high or not number.low <= number.default <= number.high:
            raise BuildError(f"{where}: '{name}' needs low < high and a default between them")
        if number.scale == "log" and number.low <= 0:
            raise BuildError(f"{where}: '{name}' is on a log scale, so its low must be above 0")
    return found


def load(source: str, slot: str = "step") -> Rule:
    """Make a rule from its source, which must have passed `hygiene.check`; runs it, so only where that is safe.

    Args:
        slot: that it is for; tracebacks name it.

    Raises:
        BuildError: it is no Python, declares no numbers in the right form, or lacks init or update.
    """
    declared = numbers(source)
    names: dict[str, Any] = {"__builtins__": dict(BUILTINS)}
    try:
        exec(compile(_parse(source), f"<{slot} rule>", "exec"), names)
    except Exception as error:
        raise BuildError(f"the rule cannot be read: {type(error).__name__}: {error}") from None
    if missing := [name for name in ("init", "update") if not callable(names.get(name))]:
        raise BuildError(f"no function {missing[0]}: write init(xp, p) and update(xp, g, state, p, hp, t, aux)")
    return Rule(init=names["init"], update=names["update"], numbers=declared, origin=(source, slot))
