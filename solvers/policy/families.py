"""Families of instances: each a file in the folder `families` of its domain, with `family` in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from slotforge.core import registry
from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.random import Generator

Content = Mapping[str, Any]
"""What an instance is: plain JSON."""

TEST = "test"


class Family(Protocol):
    """Instances of one kind."""

    size: str

    def draw(self, rng: Generator) -> Content:
        """Draw an instance."""

    def published(self) -> Sequence[Content]:
        """Return the test set on which the field compares."""


def make(package: str, spec: str) -> tuple[Family, bool]:
    """Read a spec: the name of a family, or NAME:test for its published test set.

    Args:
        package: dotted name of the folder of families.
        spec: as given.

    Returns:
        The family, and whether its test set is meant.

    Raises:
        UsageError: there is no such family, or something else stands after its name.
    """
    name, colon, rest = spec.partition(":")
    if colon and rest != TEST:
        raise UsageError(f"'{rest}' is no setting of {name}: write {name}, or {name}:{TEST} for its published test set")
    family: Family = registry.load(package, name).family
    return family, bool(colon)
