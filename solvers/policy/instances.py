"""Instances of families: drawn from a seed, dealt to splits, kept as files by their content."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.home import arriving, home
from slotforge.core.ids import content_id, generator
from slotforge.core.types import Instance, Split, Suite
from slotforge.solvers.policy.families import TEST, Content, make

SHARES = {Split.SEARCH: 0.4, Split.SELECT: 0.2, Split.HOLDOUT: 0.4}


def collect(package: str, specs: Sequence[str], *, seed: int, per_family: int) -> Suite:
    """Draw instances of each family into the three splits.

    Args:
        package: dotted name of the folder of families.
        specs: names of families.
        seed: of the draws.
        per_family: instances of each family in all splits.

    Raises:
        UsageError: a spec names no family, the same one twice, or a published test set.
    """
    check(package, specs)
    splits = {}
    for split, share in SHARES.items():
        drawn = [_draw(package, spec, split, max(1, round(share * per_family)), seed) for spec in specs]
        splits[split] = tuple(instance for instances in drawn for instance in instances)
    return Suite(search=splits[Split.SEARCH], select=splits[Split.SELECT], holdout=splits[Split.HOLDOUT])


def check(package: str, specs: Sequence[str]) -> None:
    """Raise UsageError where a spec is none to search on; see `collect`."""
    if tests := [spec for spec in _distinct(specs) if make(package, spec)[1]]:
        raise UsageError(f"{tests[0]} is there to be measured on, not to be searched on: leave out ':{TEST}'")


def holdout(package: str, specs: Sequence[str], *, seed: int, per_family: int) -> Suite:
    """Draw fresh instances as the holdout split has them, or take published test sets, which are all that they are."""
    drawn = [_draw(package, spec, Split.HOLDOUT, per_family, seed) for spec in _distinct(specs)]
    return Suite(search=(), select=(), holdout=tuple(instance for instances in drawn for instance in instances))


def read(instance: Instance) -> Content:
    """Read what an instance is; raises SlotforgeError when the file is gone or broken."""
    try:
        content: Content = json.loads(Path(instance.path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SlotforgeError(f"{instance.path} ({instance.name}) cannot be read: {error}") from None
    return content


def _distinct(specs: Sequence[str]) -> Sequence[str]:
    if len(set(specs)) != len(specs):
        raise UsageError("the same family is named twice: name each one once")
    return specs


def _draw(package: str, spec: str, split: Split, count: int, seed: int) -> Iterator[Instance]:
    family, test = make(package, spec)
    if test:
        contents = family.published()
    else:
        contents = [family.draw(generator(package, spec, split.value, seed, number)) for number in range(count)]
    for number, content in enumerate(contents):
        yield _keep(
            content, f"{spec}-{number}" if test else f"{spec}-s{seed}-{split.value}-{number}", spec, family.size
        )


def _keep(content: Content, name: str, family: str, size: str) -> Instance:
    identity = content_id(content)
    path = home() / "instances" / f"{identity}.json"
    if not path.exists():
        with arriving(path) as draft:
            draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return Instance(id=identity, name=name, family=family, path=str(path), size=size)
