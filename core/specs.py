"""What the spec of a model tells by itself; `search.proposers` makes what it names."""

from __future__ import annotations

OFFLINE = "offline"
FREE = frozenset({OFFLINE, "replay"})  # kinds that cost nothing, whatever a recording says of what it cost


def endless(model: str) -> bool:
    """Whether a model goes on for ever and costs nothing, so that no limit of tokens or dollars ends a search with it.

    A recording ends with its answers.
    """
    return free(model) and OFFLINE in _kinds(model)


def free(model: str) -> bool:
    """Whether a model, or several with commas between them, costs nothing: variation offline, or a recording."""
    return FREE.issuperset(_kinds(model))


def _kinds(model: str) -> list[str]:
    return [part.strip().partition(":")[0] for part in model.split(",")]
