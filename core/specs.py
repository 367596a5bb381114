"""What the spec of a model tells by itself; `search.proposers` makes what it names."""

from __future__ import annotations

FREE = frozenset({"offline", "replay"})  # kinds that cost nothing, whatever a recording says of what it cost


def free(model: str) -> bool:
    """Whether a model, or several with commas between them, costs nothing: variation offline, or a recording."""
    return all(part.strip().partition(":")[0] in FREE for part in model.split(","))
