"""The reference of slots for people, written from the headers: `python -m slotforge.solvers.sat.reference`.

It prints docs/slots.md; a test holds the file against it.
"""

from __future__ import annotations

from collections.abc import Iterator

from slotforge.core.types import Slot
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import params

INTRODUCTION = """\
# Slots of the SAT solver

A slot is a place in the solver where a policy decides. Each is one header in `solvers/sat/slots/`, with the contract,
the default and the policies of the literature; this page is written from them. How to write one is in
[add-a-slot.md](add-a-slot.md).

A policy is tried with `slotforge-sat FILE --slot SLOT=POLICY --param SLOT.NAME=VALUE`; the numbers below are the
defaults with their ranges.
"""


def text() -> str:
    """The whole page."""
    index = ["| slot | asks |", "|---|---|", *(f"| [{s.name}](#{s.name}) | {s.summary} |" for s in slots().values())]
    parts = [INTRODUCTION, *("\n".join(section(slot)) for slot in slots().values())]
    parts.insert(1, "\n".join(index) + "\n")
    return "\n".join(parts)


def section(slot: Slot) -> Iterator[str]:
    """One slot: its contract, signature and policies."""
    comment, _, code = slot.contract.partition("\n\n// ")
    yield from (f"## {slot.name}", "", "```text", comment, "```", "", "```cpp")
    if code:
        yield from (f"// {code}", "")
    yield from (f"using Signature = {slot.signature};", "```", "", "| policy | numbers | idea |", "|---|---|---|")
    for name, source in slot.variants.items():
        numbers = ", ".join(f"`{p.name}` {p.value:g} ({p.low:g} to {p.high:g})" for p in params(source))
        yield f"| `{name}`{' (default)' if source == slot.default else ''} | {numbers} | {idea(source)} |"
    yield ""


def idea(source: str) -> str:
    """The comment above a policy as one line."""
    lines = [line.removeprefix("//").strip() for line in source.partition("\nstruct ")[0].splitlines()]
    return " ".join(lines).replace("|", "\\|")


if __name__ == "__main__":
    print(text(), end="")
