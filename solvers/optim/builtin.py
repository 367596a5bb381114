"""The rules that ship with slotforge: text files, by slot and name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from slotforge.core import syntax
from slotforge.core.errors import UsageError
from slotforge.core.types import Slot
from slotforge.solvers.optim import sources
from slotforge.solvers.optim.problems._family import Family
from slotforge.solvers.optim.rule import Number
from slotforge.solvers.optim.rule import numbers as declared

SEARCH = "blackbox"
"""In place of a slot: the name of a search that competes with rules, and is none."""

_RULES = Path(__file__).parent / "rules"
_SEARCHES = Path(__file__).parent / "blackbox"
SLOTS = sources.SLOTS
STEP_SLOTS = tuple(slot for slot in SLOTS if slot != "selection")
SIGNATURE = "def init(xp, p): ...  # -> state\ndef update(xp, g, state, p, hp, t, aux): ...  # -> (answer, state)"


@cache
def rules(slot: str) -> Mapping[str, str]:
    """Read the sources of a slot by name, in the order of names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((_RULES / slot).glob("[!_]*.py"))}


@cache
def searches() -> Mapping[str, str]:
    """Read the sources of the searches of black boxes by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_SEARCHES.glob("[!_]*.py"))}


def contender(ref: str) -> dict[str, str]:
    """Find what competes for a family: rules by slot, as `named`, or the name of a search, "blackbox=cma_es".

    Raises:
        UsageError: there is no such slot, rule or search.
    """
    slot, _, name = ref.partition("=")
    if slot != SEARCH:
        return named(ref)
    if name not in searches():
        raise UsageError(f"no search called '{name}': choose one of {', '.join(searches())}")
    return {SEARCH: name}


def numbers(family: Family, sources: Mapping[str, str]) -> dict[str, Number]:
    """Read what is tuned of a contender in a family, by "slot.name"."""
    texts = {
        slot: searches()[source] if slot == SEARCH else source for slot, source in sorted(cast(family, sources).items())
    }
    return {f"{slot}.{name}": number for slot, text in texts.items() for name, number in declared(text).items()}


def default(slot: str) -> str:
    """Return the source of a slot's default."""
    return rules(slot)[_contract(slot)[1]]


def cast(family: Family, rules: Mapping[str, str]) -> dict[str, str]:
    """Return the rules that have a part in a family, with the default of the slot that it cannot do without.

    A search stands alone.
    """
    if SEARCH in rules:
        return {SEARCH: rules[SEARCH]}
    if family.role == "selection":
        return {"selection": rules.get("selection", default("selection"))}
    noisy_nodes = type(family).spread is not Family.spread
    own = {slot: rules[slot] for slot in STEP_SLOTS if slot in rules and (noisy_nodes or slot != "sampling")}
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
    """Find rules by slot: "adam" for a step, or "schedule=cosine,step=sgd"; FILE.py in place of a name is one's own.

    Raises:
        UsageError: there is no such slot or rule, or a slot stands twice.
        BuildError: a file cannot be read.
    """
    found: dict[str, str] = {}
    for one in ref.split(","):
        left, equals, right = one.partition("=")
        slot, name = (left.strip(), right.strip()) if equals else ("step", left.strip())
        if slot not in SLOTS:
            raise UsageError(f"no slot called '{slot}': choose from {', '.join(SLOTS)}")
        if slot in found:
            raise UsageError(f"{ref}: slot {slot} is given twice: leave one of the two out")
        found[slot] = _own(slot, name) if name.endswith(".py") else _shipped(slot, name)
    return found


def _shipped(slot: str, name: str) -> str:
    if name not in rules(slot):
        raise UsageError(f"no {slot} rule called '{name}': choose one of {', '.join(rules(slot))}, or give FILE.py")
    return rules(slot)[name]


def _own(slot: str, name: str) -> str:
    """Read a user's rule; one that names its slot must be for this one."""
    if not Path(name).is_file():
        raise UsageError(f"{name}: no such rule file")
    found = sources.marked(Path(name)) or {slot: sources.read(Path(name))["step"]}
    if slot not in found:
        raise UsageError(f"{name}: is for {', '.join(found)}, not for {slot}")
    return found[slot]


def read(ref: str) -> dict[str, str] | None:
    """Find what a reference means: the path of a file of rules, or names as for `named`; None when it is neither.

    Raises:
        UsageError: a file of that name is not there, or a slot has no such rule.
        BuildError: a file cannot be read.
    """
    if Path(ref).is_file():
        return sources.read(Path(ref)) if ref.endswith(".py") or sources.holds_rules(Path(ref)) else None
    if ref.endswith(".py") and "=" not in ref:
        raise UsageError(f"{ref}: no such rule file")
    parts = [part.partition("=")[0].strip() for part in ref.split(",")]
    known = any(part in SLOTS for part in parts) if "=" in ref else all(part in rules("step") for part in parts)
    return named(ref) if known else None


@cache
def _contract(slot: str) -> tuple[str, str]:
    """Read the contract of a slot and the name of its default."""
    tree = syntax.parse((_RULES / slot / "__init__.py").read_text(encoding="utf-8"))
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    return ast.get_docstring(tree) or "", str(ast.literal_eval(assigned.value))
