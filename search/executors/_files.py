"""The instances among the arguments of a call, so that their files can travel with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotforge.core.types import Instance, Record


def paths(value: object) -> Iterator[str]:
    """Yield the paths of the instances in a plain value."""
    if isinstance(value, Instance):
        if value.path:
            yield value.path
        return
    for part in value if isinstance(value, tuple | list) else _fields(value).values():
        yield from paths(part)


def moved(value: Any, places: Mapping[str, str]) -> Any:
    """Return a plain value with the instances in it at other places."""
    if isinstance(value, Instance):
        return value.model_copy(update={"path": places.get(value.path, value.path)})
    if isinstance(value, tuple | list):
        return type(value)(moved(part, places) for part in value)
    changed = {name: moved(part, places) for name, part in _fields(value).items()}
    return value.model_copy(update=changed) if changed else value


def _fields(value: object) -> dict[str, Any]:
    """Return the fields of a record in which instances can be."""
    if not isinstance(value, Record):
        return {}
    return {name: part for name, part in value if isinstance(part, Record | tuple | list)}
