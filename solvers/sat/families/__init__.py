"""Instance families by name: one module of this folder is one family, and its file name is its registration.

A module holds one `Family` subclass; the first line of its docstring is the description. A third party registers a
module of the same form under the entry-point group "slotforge.families". Modules with an underscore are shared.
"""

from __future__ import annotations

from dataclasses import Field, asdict, fields
from hashlib import sha256
from typing import Any, cast

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families._family import Family, Parameter, choice, size

__all__ = ["Family", "Parameter", "choice", "generate", "make", "names", "size"]

_BASE = Family.__module__


def names() -> dict[str, str]:
    """Give every family with its one-line description; imports none of them."""
    return registry.names(__name__)


def make(spec: str) -> Family:
    """Make a family with its parameters from `name`, `name:SIZE` or `name:key=value:key=value`.

    Args:
        spec: SIZE stands for the family's first parameter; parameters left out keep their defaults.

    Raises:
        UsageError: when the family, a key or a value is not valid; the message names those that are.
    """
    name, *words = spec.split(":")
    kind = _load(name)
    known = {parameter.name: parameter for parameter in fields(kind)}
    chosen: dict[str, Any] = {}
    for position, word in enumerate(words):
        key, equals, text = word.partition("=")
        if not equals and position == 0:
            key, text = next(iter(known)), word
        if key not in known:
            raise UsageError(f"family {name} has no parameter {key!r}; use {', '.join(known)} as key=value")
        if key in chosen:
            raise UsageError(f"{spec}: {key} is given twice")
        chosen[key] = _parse(name, known[key], text)
    return kind(**chosen)


def generate(spec: str, seed: int, index: int) -> Formula:
    """Draw the formula number `index` of a family: a pure function of its three arguments.

    Raises:
        UsageError: when the spec is not valid.
    """
    from numpy.random import SeedSequence, default_rng

    family = make(spec)
    text = repr((spec.partition(":")[0], sorted(asdict(family).items()), seed, index))
    entropy = int.from_bytes(sha256(text.encode()).digest(), "big")
    return family.formula(default_rng(SeedSequence(entropy)))


def _load(name: str) -> type[Family]:
    module = registry.load(__name__, name)
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, Family) and kind.__module__ == module.__name__ != _BASE:
            return kind
    raise UsageError(f"{module.__name__} holds no family; use one of {', '.join(names())}")


def _parse(family: str, parameter: Field[Any], text: str) -> Parameter:
    kind: type[Parameter] = type(cast(Parameter, parameter.default))
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{family}: {parameter.name} must be {what}, not {text!r}") from None
