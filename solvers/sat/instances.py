"""Collect instances from folders, files and generated families, and split them by content."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from slotforge.core.errors import FormulaError, UsageError
from slotforge.core.home import arriving, home
from slotforge.core.ids import generator
from slotforge.core.notes import grouped
from slotforge.core.types import Instance, Suite
from slotforge.solvers.sat import cnf, families
from slotforge.solvers.sat.folder import formulas, shown
from slotforge.solvers.sat.shuffle import shuffled

SHARES = {"search": 0.4, "select": 0.2, "holdout": 0.4}
LEAST = 3  # instances, so that each split has one


def collect(specs: Sequence[str], *, seed: int, per_family: int) -> Suite:
    """Make a suite.

    Args:
        specs: folders (their CNF files, not those of subfolders), CNF files, or families as `families.make` takes them.
        seed: of generated instances.
        per_family: how many instances of each family to generate.

    Returns:
        The suite; what could not be used stands in its warnings. Equal formulas are taken once.

    Raises:
        UsageError: fewer than three instances are left.
    """
    warnings: list[str] = []
    found: dict[str, Instance] = {}
    for spec in specs:
        made = _files(Path(spec), warnings) if _is_path(spec) else _generated(spec, seed, per_family)
        for instance in made:
            if instance.id in found:
                warnings.append(f"{instance.name}: the same formula as {found[instance.id].name}, left out")
            found.setdefault(instance.id, instance)
    if len(found) < LEAST:
        raise UsageError(
            "\n".join(
                [
                    f"{len(found)} usable instances in {', '.join(specs)}: at least {LEAST} are needed",
                    *grouped(warnings),
                ]
            )
        )
    return split(list(found.values()), warnings)


def split(instances: Sequence[Instance], warnings: Sequence[str] = ()) -> Suite:
    """Deal the instances of each family to the splits, in the order of a hash of their content.

    Families too small to have a member in each split are dealt as one, so that LEAST instances fill every split.
    """
    sizes = Counter(i.family for i in instances)
    groups: dict[str | None, list[Instance]] = defaultdict(list)
    for instance in instances:
        groups[instance.family if sizes[instance.family] >= LEAST else None].append(instance)
    parts: dict[str, list[Instance]] = {name: [] for name in SHARES}
    for group in groups.values():
        members = sorted(group, key=lambda i: _salted(i.id))
        first = max(1, round(len(members) * SHARES["search"]))
        second = first + max(1, round(len(members) * SHARES["select"]))
        parts["search"] += members[:first]
        parts["select"] += members[first:second]
        parts["holdout"] += members[second:]
    return Suite(**{name: tuple(part) for name, part in parts.items()}, warnings=tuple(warnings))


def single_split(specs: Sequence[str], *, seed: int, per_family: int) -> Suite:
    """Collect instances that all serve as holdout."""
    suite = collect(specs, seed=seed, per_family=per_family)
    everything = suite.search + suite.select + suite.holdout
    return Suite(search=(), select=(), holdout=everything, warnings=suite.warnings)


def twins(suite: Suite) -> Suite:
    """Put a shuffled twin, the same on every machine, in the place of each instance."""
    parts = {name: tuple(map(_twin, getattr(suite, name))) for name in SHARES}
    return suite.model_copy(update=parts)


def _twin(instance: Instance) -> Instance:
    formula = shuffled(cnf.read(Path(instance.path)), generator(instance.id, "twin"))
    made = keep(formula, name=f"{instance.name} (twin)", family=instance.family)
    return made.model_copy(update={"status": instance.status})


def keep(formula: cnf.Formula, *, name: str, family: str) -> Instance:
    """Store a formula under its content hash as plain DIMACS, and return it as an instance."""
    identity = cnf.content_hash(formula)
    path = home() / "instances" / f"{identity}.cnf"
    if not path.exists():
        with arriving(path) as draft:
            cnf.write(formula, draft)
    return Instance(
        id=identity,
        name=name,
        family=family,
        path=str(path),
        status=formula.status,
        size=f"{formula.variables} variables, {len(formula.clauses)} clauses",
    )


def _is_path(spec: str) -> bool:
    if os.sep in spec or spec.startswith(".") or Path(spec).exists():
        if not Path(spec).exists():
            raise UsageError(f"{spec}: no such file or folder")
        return True
    return False


def _generated(spec: str, seed: int, count: int) -> Iterator[Instance]:
    known = list(families.names())
    if (name := spec.partition(":")[0]) not in known:
        near = get_close_matches(name, known, n=3)
        advice = f"did you mean {' or '.join(near)}?" if near else "`slotforge list families` lists the families"
        raise UsageError(f"no file, folder or family called '{spec}': {advice}")
    for index in range(count):
        yield keep(families.generate(spec, seed, index), name=f"{spec}#{seed}.{index}", family=spec)


def _files(path: Path, warnings: list[str]) -> Iterator[Instance]:
    for file in formulas([path], warnings):
        if not file.is_file():
            warnings.append(f"{file}: not a regular file, left out")
        elif instance := _read(file, warnings):
            yield instance


def _read(file: Path, warnings: list[str]) -> Instance | None:
    said: list[str] = []
    try:
        formula = cnf.read(file, warnings=said)
    except (FormulaError, OSError) as error:
        warnings.append(f"{error}, left out")
        return None
    if not len(formula.clauses):
        warnings.append(f"{file}: holds no clause, left out")
        return None
    warnings += said
    return keep(formula, name=shown(file.name), family=shown(file.resolve().parent.name))


def _salted(identity: str) -> str:
    return hashlib.sha256(f"split {identity}".encode()).hexdigest()
