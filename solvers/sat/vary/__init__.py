"""Search without a model: new policies by varying the syntax trees of old ones and of the built-in variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError, UsageError
from slotforge.core.registry import load, names
from slotforge.core.types import Request, Slot
from slotforge.solvers.sat.hygiene import check
from slotforge.solvers.sat.source import duplicate_key
from slotforge.solvers.sat.vary.draw import Change, choose, uniform
from slotforge.solvers.sat.vary.graft import named
from slotforge.solvers.sat.vary.layout import comment, tidy
from slotforge.solvers.sat.vary.policy import Policy, parse

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

_TRIES = 40
_AGAIN = 0.35  # chance of one more change in the same variation
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
    return {param.name: uniform(param.low, param.high, rng) for param in parse(source).params}


def _vary_slot(request: Request, slot: Slot, rng: Generator) -> str:
    parents = [parent.slots.get(slot.name, slot.default) for parent in request.parents] or [slot.default]
    builtins = list(_readable(slot.variants.values()))
    hosts = builtins if request.operator == "fresh" else list(_readable(parents[:1])) or builtins
    partners = list(_readable(parents[1:]))
    seen = {duplicate_key(parent) for parent in parents}
    for names_and_count in _plans(request.operator, bool(partners), rng):
        host = named(choose(rng, hosts), builtins)
        donors = partners if partners and rng.random() < 0.7 else builtins
        source = _apply(host, donors, names_and_count, rng)
        if source and len(source) <= _LONGEST and duplicate_key(source) not in seen and check(slot.name, source) is None:
            return source
    raise BuildError(f"{slot.name}: no variation of this policy was found in {_TRIES} tries: give it a SLOT_PARAM")


def _plans(operator: str, partners: bool, rng: Generator) -> Iterator[Sequence[str]]:
    """Draw which operators to apply, one after the other: first as the request asks, in the end whatever is simplest."""
    known = list(names(OPERATORS))
    weights = [WEIGHTS.get(name, 1.0) * (6 if operator == "crossover" and partners and name in RECOMBINING else 1) for name in known]
    shares = [weight / sum(weights) for weight in weights]
    for _ in range(_TRIES):
        count = 1
        while count < 4 and rng.random() < _AGAIN:
            count += 1
        yield [known[int(rng.choice(len(known), p=shares))] for _ in range(count)]
    for _ in range(_TRIES):
        yield ["numbers"]
        yield ["swap"]


def _apply(host: Policy, donors: Sequence[Policy], plan: Sequence[str], rng: Generator) -> str | None:
    """Apply operators in turn; None when none of them found anything to change or the result is no policy."""
    words: list[str] = []
    base, history = host.name, _history(host)
    try:
        for operator in plan:
            others = [donor for donor in donors if donor.source != host.source]
            change: Change | None = load(OPERATORS, operator).vary(host, others, rng)
            if change is None:
                continue
            host = named(parse(change.source), donors)
            if host.name != base or operator == "swap":
                base, history, words = host.name, [], []
            words.append(change.words)
        if not words:
            return None
        told = [*history, *words][-_REMEMBERED:]
        bare = host.source[host.struct.start_byte :]
        return tidy(comment(f"{_PREFIX}{base}: {'; '.join(told)}.") + bare)
    except BuildError:
        return None


def _history(policy: Policy) -> list[str]:
    """Read what the comment of an earlier variation tells."""
    told = policy.comment.removeprefix(f"{_PREFIX}{policy.name}: ")
    return [] if told == policy.comment else told.removesuffix(".").split("; ")


def _readable(sources: Sequence[str] | Mapping[str, str]) -> Iterator[Policy]:
    """Parse sources, and leave out those that are written in a form that cannot be varied."""
    for source in sources:
        try:
            yield parse(source)
        except BuildError:
            continue
