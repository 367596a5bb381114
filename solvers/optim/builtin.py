"""The rules that ship with slotforge: text files, by slot and name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from slotforge.core.errors import UsageError
from slotforge.core.types import Slot
from slotforge.solvers.optim.problems._family import Family

_RULES = Path(__file__).parent / "rules"
STEP_SLOTS = ("step", "transform", "precondition", "schedule", "restart", "sampling")
SLOTS = (*STEP_SLOTS, "selection")
SIGNATURE = "def init(xp, p): ...  # -> state\ndef update(xp, g, state, p, hp, t, aux): ...  # -> (answer, state)"


@cache
def rules(slot: str) -> Mapping[str, str]:
    """Read the sources of a slot by name, in the order of names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((_RULES / slot).glob("[!_]*.py"))}


def default(slot: str) -> str:
    """Return the source of a slot's default."""
    return rules(slot)[_contract(slot)[1]]


def cast(family: Family, sources: Mapping[str, str]) -> dict[str, str]:
    """Return the rules that have a part in a family, with the default of the slot that it cannot do without."""
    if family.role == "selection":
        return {"selection": sources.get("selection", default("selection"))}
    noisy_nodes = type(family).spread is not Family.spread
    own = {slot: sources[slot] for slot in STEP_SLOTS if slot in sources and (noisy_nodes or slot != "sampling")}
    return {"step": default("step"), **own}


@cache
def slots() -> Mapping[str, Slot]:
    """Describe the slots, each with its default first among the variants."""
    found = {}
    for slot in SLOTS:
        contract, name = _contract(slot)
        first = {name: rules(slot)[name]}
        summary, _, rest = contract.partition("\n")
        found[slot] = Slot(
            name=slot,
            summary=summary,
            contract=rest.strip() or summary,
            signature=SIGNATURE,
            default=first[name],
            variants=first | dict(rules(slot)),
        )
    return found


def named(ref: str) -> dict[str, str]:
    """Find built-in rules: "adam" for a step, or "schedule=geometric,step=sgd".

    Raises:
        UsageError: there is no such slot or rule.
    """
    found = {}
    for one in ref.split(","):
        left, equals, right = one.partition("=")
        slot, name = (left.strip(), right.strip()) if equals else ("step", left.strip())
        if slot not in SLOTS:
            raise UsageError(f"no slot called '{slot}': choose from {', '.join(SLOTS)}")
        if name not in rules(slot):
            raise UsageError(f"no {slot} rule called '{name}': choose one of {', '.join(rules(slot))}")
        found[slot] = rules(slot)[name]
    return found


def read(ref: str) -> dict[str, str] | None:
    """Find what a reference means: the path of a rule, or names as for `named`; None when it is neither.

    Raises:
        UsageError: a file of that name is not there, or a slot has no such rule.
    """
    if ref.endswith(".py"):
        if not Path(ref).is_file():
            raise UsageError(f"{ref}: no such rule file")
        return {"step": Path(ref).read_text(encoding="utf-8")}
    parts = [part.partition("=")[0].strip() for part in ref.split(",")]
    known = all(part in SLOTS or ("=" not in ref and part in rules("step")) for part in parts)
    return named(ref) if known else None


@cache
def _contract(slot: str) -> tuple[str, str]:
    """Read the contract of a slot and the name of its default."""
    tree = ast.parse((_RULES / slot / "__init__.py").read_text(encoding="utf-8"))
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    return ast.get_docstring(tree) or "", str(ast.literal_eval(assigned.value))
