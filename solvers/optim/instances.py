"""Problems as instances: drawn from a seed, dealt to splits, kept as small files that say how to draw them again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.home import arriving, home
from slotforge.core.ids import content_id
from slotforge.core.types import Instance, Record, Split, Suite
from slotforge.solvers.optim import case
from slotforge.solvers.optim.problems._family import Family, Knobs

SHARES = {Split.SEARCH: 0.4, Split.SELECT: 0.2, Split.HOLDOUT: 0.4}
PER_FAMILY = 20


class Problem(Record):
    """How to draw a problem again."""

    family: str
    knobs: dict[str, float]
    seed: int


def collect(specs: Sequence[str], *, seed: int, per_family: int = PER_FAMILY) -> Suite:
    """Draw problems of each spec into the three splits, each with the settings that the family has for it.

    Raises:
        UsageError: a spec names no family, the same one twice, or a knob that it has not.
    """
    splits = {
        split: tuple(_draw(specs, split, max(1, round(share * per_family)), seed)) for split, share in SHARES.items()
    }
    return Suite(search=splits[Split.SEARCH], select=splits[Split.SELECT], holdout=splits[Split.HOLDOUT])


def holdout(specs: Sequence[str], *, seed: int, per_family: int = PER_FAMILY) -> Suite:
    """Draw fresh problems as the holdout split has them."""
    return Suite(search=(), select=(), holdout=tuple(_draw(specs, Split.HOLDOUT, per_family, seed)))


def read(instance: Instance) -> Problem:
    """Read how an instance is drawn; raises SlotforgeError when the file is gone or broken."""
    try:
        return Problem.model_validate_json(Path(instance.path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SlotforgeError(f"{instance.path} ({instance.name}) cannot be read: {error}") from None


def _draw(specs: Sequence[str], split: Split, count: int, seed: int) -> Iterator[Instance]:
    if len(set(specs)) != len(specs):
        raise UsageError("the same family is named twice: name each one once")
    for spec in specs:
        family, knobs = case.parse(spec)
        settings = family.splits[split.value]
        for setting in settings:
            case.check(family, {**family.knobs, **setting, **knobs}, spec)
        for number in range(count):
            at = content_id([spec, split.value, seed, number], length=12)
            yield _keep(family, {**settings[number % len(settings)], **knobs}, int(at, 16), spec)


def _keep(family: Family, knobs: Knobs, seed: int, spec: str) -> Instance:
    problem = Problem(family=family.name, knobs={**family.knobs, **knobs}, seed=seed)
    facts = problem.model_dump(mode="json")
    name = content_id(facts)
    path = home() / "problems" / f"{name}.json"
    if not path.exists():
        with arriving(path) as draft:
            draft.write_text(json.dumps(facts, sort_keys=True) + "\n", encoding="utf-8")
    return Instance(
        id=name,
        name=f"{family.name}-{seed % 16**6:06x}",
        family=spec,
        path=str(path),
        size=case.key(problem.knobs).replace(",", ", "),
    )
