"""What an instance family is: its size parameters and a way to draw one formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from slotforge.core.errors import UsageError
from slotforge.solvers.sat.cnf import Formula

if TYPE_CHECKING:
    from numpy.random import Generator

Parameter = int | float | str
Number = TypeVar("Number", int, float)


def size(default: Number, low: Number, high: Number) -> Any:
    """Declare a numeric parameter of a family with its inclusive range."""
    return field(default=default, metadata={"low": low, "high": high})


def choice(*names: str) -> Any:
    """Declare a named parameter of a family; the first name is the default."""
    return field(default=names[0], metadata={"names": names})


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """A distribution of formulas: the fields are its parameters, made by `size` and `choice`.

    The defaults give instances that a MiniSat-class solver needs about a second for.
    small: parameters that give instances solved in under 0.1 s, for tests.
    """

    small: ClassVar[Mapping[str, Parameter]]

    def __post_init__(self) -> None:
        """Refuse parameters that are out of range, then those that do not go together.

        Raises:
            UsageError: with the parameter, its value and what is allowed.
        """
        for parameter in fields(self):
            value, rule = getattr(self, parameter.name), parameter.metadata
            where = f"{self.name}: {parameter.name}={value}"
            if "names" in rule and value not in rule["names"]:
                raise UsageError(f"{where} is unknown; use one of {', '.join(rule['names'])}")
            if "low" in rule and not rule["low"] <= value <= rule["high"]:
                raise UsageError(f"{where} is out of range; use {rule['low']} to {rule['high']}")
        if reason := self.conflict():
            raise UsageError(f"{self.name}: {reason}")

    @property
    def name(self) -> str:
        """The family's name: that of its file."""
        return type(self).__module__.rpartition(".")[2]

    def conflict(self) -> str | None:
        """Say in one line why the parameters do not go together, or None when they do."""
        return None

    @abstractmethod
    def formula(self, rng: Generator) -> Formula:
        """Draw one formula; equal generators give equal formulas."""
