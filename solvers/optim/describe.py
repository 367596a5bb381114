"""What a prompt tells a model about step rules: their form, the functions there are, and how they are judged."""

from __future__ import annotations

from pathlib import Path

INTERFACE = Path(__file__).with_name("interface.md")


def text() -> str:
    """Return the interface with the names of the functions that rules may call."""
    from slotforge.solvers.optim.words import FUNCTIONS, LINALG

    interface = INTERFACE.read_text(encoding="utf-8")
    return f"{interface}\nFunctions of xp: {', '.join(FUNCTIONS)}; of xp.linalg: {', '.join(LINALG)}."
