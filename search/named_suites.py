"""Instances by name: `suite:NAME` is a set of uploaded ones, laid out in a local folder that a domain can read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import SlotforgeError, StoreError
from slotforge.core.home import home
from slotforge.core.ids import content_id
from slotforge.search import instance_cache

if TYPE_CHECKING:
    from slotforge.core.seams import Domain
    from slotforge.core.types import Suite
    from slotforge.lineage.store import SqlStore
    from slotforge.lineage.suites import SuiteRecord

PREFIX = "suite:"
PARTS = ("search", "select", "holdout")


def collect(store: SqlStore, domain: Domain, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
    """Collect the instances that specs name, as `Domain.suite` does; uploaded ones under their uploaders' names."""
    named = {spec: _suite(store, spec) for spec in specs if spec.startswith(PREFIX)}
    folders = {spec: _lay_out(store, suite) for spec, suite in named.items()}
    suite = domain.suite([str(folders.get(spec, spec)) for spec in specs], seed=seed, options=options)
    return _renamed(suite, {folders[spec]: one for spec, one in named.items()}) if named else suite


def at_hand(suite: Suite, again: Callable[[], Suite]) -> Suite:
    """Return a suite all of whose files are on this machine; where some are not, they are collected again.

    Args:
        again: collects the suite as it was collected first.

    Raises:
        SlotforgeError: an instance is not what its spec gives any more.
    """
    missing = {i.id: i for i in suite.search + suite.select + suite.holdout if i.path and not Path(i.path).exists()}
    if not missing:
        return suite
    found = again()
    paths = {i.id: i.path for i in found.search + found.select + found.holdout}
    if lost := next((i for i in missing.values() if i.id not in paths), None):
        raise SlotforgeError(f"{lost.name} is not on this machine any more: start a new run, or put {lost.path} back")
    parts = {
        part: tuple(i.model_copy(update={"path": paths.get(i.id, i.path)}) for i in getattr(suite, part))
        for part in PARTS
    }
    return suite.model_copy(update=parts)


def materialise(store: SqlStore, specs: Sequence[str]) -> tuple[str, ...]:
    """Turn each `suite:NAME` into a folder of CNF files; a search does this itself, see `collect`.

    The path of the folder follows from the suite's name and content: it is the same wherever SLOTFORGE_HOME is.

    Raises:
        UnknownId: there is no suite of that name.
        StoreError: what the store holds is damaged.
    """
    return tuple(str(_lay_out(store, _suite(store, spec))) if spec.startswith(PREFIX) else spec for spec in specs)


def fetch(store: SqlStore, blob: str) -> Path:
    """Return a local file with the content of a blob, verified by its hash; it is written if need be.

    Raises:
        StoreError: what the store holds is damaged.
    """
    from slotforge.lineage import blobs

    parts = (_expand(part, blob) for part in blobs.parts(store, blob))
    return instance_cache.held(blob) or instance_cache.keep(blob, parts)


def _expand(part: bytes, blob: str) -> bytes:
    import zlib

    try:
        return gzip.decompress(part)
    except (OSError, EOFError, zlib.error):
        raise StoreError(
            f"the content of instance {blob} is damaged: upload the file again after deleting it"
        ) from None


def _suite(store: SqlStore, spec: str) -> SuiteRecord:
    from slotforge.lineage.suites import suite

    return suite(store, spec.removeprefix(PREFIX))


def _lay_out(store: SqlStore, suite: SuiteRecord) -> Path:
    """Link the files of a suite into a folder that has its name, since that is what a domain takes for their family."""
    identity = content_id({"name": suite.name, "instances": [item.id for item in suite.items]})
    folder = home() / "instances" / "suites" / identity / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    for item in suite.items:
        _link(fetch(store, item.id), folder / _file_name(item.id))
    wanted = {_file_name(item.id) for item in suite.items}
    for stranger in (file for file in folder.iterdir() if file.name not in wanted):
        stranger.unlink(missing_ok=True)
    return folder


def _file_name(blob: str) -> str:
    return f"{blob}.cnf"


def _link(file: Path, place: Path) -> None:
    """Put a file at another place as well, at once or not at all."""
    if place.exists() and place.samefile(file):
        return
    draft = place.parent.parent / f".{place.name}.{os.getpid()}.{os.urandom(4).hex()}"
    os.link(file, draft)
    os.replace(draft, place)


def _renamed(suite: Suite, folders: Mapping[Path, SuiteRecord]) -> Suite:
    """Call instances, and the files that warnings speak of, as their uploaders did."""
    names = {_file_name(item.id): item.name for one in folders.values() for item in one.items}
    paths = {str(f / _file_name(i.id)): f"{PREFIX}{one.name}/{i.name}" for f, one in folders.items() for i in one.items}
    parts = {
        part: tuple(i.model_copy(update={"name": names.get(i.name, i.name)}) for i in getattr(suite, part))
        for part in PARTS
    }
    return suite.model_copy(update=parts | {"warnings": tuple(_replaced(w, paths, names) for w in suite.warnings)})


def _replaced(text: str, *names: Mapping[str, str]) -> str:
    for mapping in names:
        for old, new in mapping.items():
            text = text.replace(old, new)
    return text
