"""Search without a model: new policies by varying the syntax trees of old ones and of the built-in variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError, UsageError
from slotforge.core.registry import load, names
from slotforge.core.types import Request, Slot
from slotforge.solvers.sat.hygiene import check
from slotforge.solvers.sat.source import duplicate_key, params, text
from slotforge.solvers.sat.vary.draw import Change, choose, uniform
from slotforge.solvers.sat.vary.graft import named
from slotforge.solvers.sat.vary.layout import comment, tidy
from slotforge.solvers.sat.vary.operators.numbers import tune
from slotforge.solvers.sat.vary.operators.swap import PLAIN
from slotforge.solvers.sat.vary.policy import Policy, identifiers, number, parse

if TYPE_CHECKING:
    from numpy.random import Generator

OPERATORS = "slotforge.solvers.sat.vary.operators"

# How often each operator is drawn, relative to the others; one that is not named here has weight 1.
WEIGHTS = {
    "numbers": 6.0,
    "swap": 3.0,
    "split": 3.0,
    "splice": 2.0,
    "guard": 2.0,
    "symbols": 2.0,
    "lift": 1.0,
    "scale": 1.0,
    "blend": 1.0,
    "delete": 1.0,
    "crossover": 1.0,
    "move": 0.5,
}
RECOMBINING = ("split", "crossover", "splice", "blend")

SIMPLEST = {"numbers": 0.5, "swap": 0.5}  # what is tried in the end

_TRIES = 40
_AGAIN = 0.5  # chance of one more change in the same variation
_SMALL = 100  # characters of a block in which there is little to change
_MOST = 4  # changes in one variation
_NEW = 0.8  # chance that a built-in variant as it ships is no answer
_RETUNED = 0.6  # chance that a number which came with a donor's code is changed at once
_PARTNER = 0.7  # chance that code comes from the other parents, where there are some
_LONGEST = 6000  # characters of a source; a candidate may have 8 KB
_REMEMBERED = 5  # changes that the comment tells
_PREFIX = "Variation of "


def vary(request: Request, slots: Mapping[str, Slot], rng: Generator) -> Mapping[str, str]:
    """Write the requested slots anew.

    Args:
        request: its parents are varied; a parent without a slot has the default there. Operator "fresh" starts from a
            built-in variant instead, "crossover" recombines the first parent with the others.
        slots: the slots of the solver with their built-in variants.

    Returns:
        Slot name to source: laid out, allowed by the static check, different from the parents, with a comment that says
        what was done.

    Raises:
        UsageError: a slot is not known.
        BuildError: no operator could change the policy.
    """
    if unknown := set(request.slots) - slots.keys():
        raise UsageError(f"no slot called '{sorted(unknown)[0]}': choose among {', '.join(slots)}")
    return {name: _vary_slot(request, slots[name], rng) for name in request.slots}


def random_params(source: str, rng: Generator) -> dict[str, float]:
    """Draw a value for each SLOT_PARAM of a policy from its whole range, uniform in the logarithm where it is wide."""
    return {param.name: uniform(param.low, param.high, rng) for param in params(source)}


def _vary_slot(request: Request, slot: Slot, rng: Generator) -> str:
    parents = [parent.slots.get(slot.name, slot.default) for parent in request.parents] or [slot.default]
    builtins = list(_readable(slot.variants.values()))
    known = list(_readable(parents))
    hosts = builtins if request.operator == "fresh" or not known else known[:1]
    partners = known[1:]
    shares = _shares(recombine=request.operator == "crossover" and bool(partners))
    shipped = {duplicate_key(variant) for variant in slot.variants.values()}
    refused = {duplicate_key(parent.source) for parent in known} | (shipped if rng.random() < _NEW else set())
    for attempt in range(2 * _TRIES):
        host = named(choose(rng, hosts), builtins)
        donors = partners if partners and rng.random() < _PARTNER else builtins
        simple = attempt >= _TRIES
        source = _apply(host, donors, SIMPLEST if simple else shares, 1 if simple else _count(host, rng), rng)
        if source is not None and _is_new(source, slot, refused, shipped):
            return source
    raise BuildError(f"{slot.name}: no variation of this policy was found: give it a SLOT_PARAM")


def _is_new(source: str, slot: Slot, refused: set[str], shipped: set[str]) -> bool:
    """Whether a variation may be an answer: allowed, not known, and not without effect."""
    if len(source) > _LONGEST or check(slot.name, source) is not None:
        return False
    key = duplicate_key(source)
    if key in refused or key in shipped:
        return key not in refused
    vacuous = ".stable()" in source and "in stable mode" in slot.contract.partition("Pre:")[0]
    return not vacuous and not _is_constant(parse(source))


@cache
def _shares(*, recombine: bool) -> Mapping[str, float]:
    """Return how often each operator is drawn; in a crossover those that bring two policies together more often."""
    known = names(OPERATORS)
    weights = {name: WEIGHTS.get(name, 1.0) * (6 if recombine and name in RECOMBINING else 1) for name in known}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def _count(host: Policy, rng: Generator) -> int:
    """Draw how many changes to make: at least two to a small policy, which has few neighbours."""
    count = 1 if len(host.params) > 1 and len(text(host.body)) > _SMALL else 2
    while count < _MOST and rng.random() < _AGAIN:
        count += 1
    return count


def _apply(
    host: Policy, donors: Sequence[Policy], shares: Mapping[str, float], count: int, rng: Generator
) -> str | None:
    """Make some changes, one after the other; None when too few were found or the result is no policy."""
    base, told = host.name, _history(host)
    done = 0
    try:
        for _ in range(3 * count):
            operator = str(rng.choice(list(shares), p=list(shares.values())))
            if done == count or (operator == "swap" and done):
                continue
            others = [donor for donor in donors if text(donor.struct) != text(host.struct)]
            change: Change | None = load(OPERATORS, operator).vary(host, others, rng)
            if change is None:
                continue
            known = {param.name for param in host.params}
            host = named(parse(change.source), donors)
            if operator == "swap":
                base, told = host.name, []
            told = [*_still_true(told, change.words), change.words]
            done += 1
            if (tuned := _tuned(host, known, rng)) and operator in RECOMBINING:
                host = named(parse(tuned.source), donors)
                told[-1] += f" with {tuned.words}"
        if done < count:
            return None
        if told == [PLAIN]:
            return tidy(host.source)
        words = comment(f"{_PREFIX}{base}: {'; '.join(told[-_REMEMBERED:])}.")
        return tidy(words + host.source[host.struct.start_byte :])
    except BuildError:
        return None


def _tuned(policy: Policy, known: set[str], rng: Generator) -> Change | None:
    """Change some of the numbers that came with a donor's code, now and then."""
    new = [param for param in policy.params if param.name not in known]
    return tune(policy, [choose(rng, new)], (), rng) if new and rng.random() < _RETUNED else None


def _is_constant(policy: Policy) -> bool:
    """Whether the answer depends on nothing: not on the search, not on a number, not on state."""
    return not identifiers([policy.body]) & {*policy.members, *policy.arguments}


def _history(policy: Policy) -> list[str]:
    """Read what the comment of an earlier variation tells."""
    told = policy.comment.removeprefix(f"{_PREFIX}{policy.name}: ")
    return [] if told == policy.comment else told.removesuffix(".").split("; ")


def _still_true(told: Sequence[str], words: str) -> list[str]:
    """Take out of what was told the numbers that are changed again."""
    changed = {part.partition(" ")[0] for part in words.split(", ")}
    kept = (", ".join(part for part in entry.split(", ") if not _sets(part, changed)) for entry in told)
    return [entry for entry in kept if entry]


def _sets(part: str, names: set[str]) -> bool:
    """Whether a part of what was told is `name value` with one of these names."""
    name, _, value = part.partition(" ")
    return name in names and number(value) is not None


def _readable(sources: Iterable[str]) -> Iterator[Policy]:
    """Parse sources, and leave out those that are written in a form that cannot be varied."""
    for source in sources:
        try:
            yield parse(source)
        except BuildError:
            continue
