"""Files between this machine and a server."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from slotforge.core.errors import SlotforgeError, UnknownId, UsageError
from slotforge.core.ids import content_id
from slotforge.search.named_suites import PREFIX
from slotforge.service.client import Client

PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def uploaded(client: Client, domain: str, specs: Sequence[str]) -> list[str]:
    """Upload the files and folders among specs as one suite, and name it in the place of the first of them."""
    paths = [Path(spec) for spec in specs if _is_path(spec)] if domain == "sat" else []
    if not paths:
        return list(specs)
    found = client.upload(*paths)
    for line in (*(f"{one.why}, left out" for one in found.left_out), *found.warnings):
        click.echo(line, err=True)
    ids = [one.id for one in found.instances]
    stem = PLAIN.sub("-", paths[0].resolve().name).strip("-._")[:40] or "files"
    name = stem if _holds(client, stem, ids) else f"{stem}-{content_id(ids, length=8)}"
    if name != stem and not _holds(client, name, ids):
        client.put_suite(name, ids)
    click.echo(f"{len(ids)} instances are suite:{name} on {client.url}", err=True)
    first = next(place for place, spec in enumerate(specs) if _is_path(spec))
    rest = [spec for spec in specs if not _is_path(spec)]
    return [*rest[:first], f"{PREFIX}{name}", *rest[first:]]


def _holds(client: Client, suite: str, ids: Sequence[str]) -> bool:
    """Whether there is a suite of these instances, as one that was uploaded in a browser."""
    try:
        return {item.id for item in client.suite(suite).items} == set(ids)
    except UnknownId:
        return False


def _is_path(spec: str) -> bool:
    if spec.startswith(PREFIX):
        return False
    if os.sep in spec or spec.startswith(".") or Path(spec).exists():
        if not Path(spec).exists():
            raise UsageError(f"{spec}: no such file or folder")
        return True
    return False


@contextmanager
def unpacked(out: Path) -> Iterator[Path]:
    """Give a file to download a packed folder into, and put the folder where it is wanted, whole or not at all.

    Raises:
        UsageError: something is there already.
        SlotforgeError: what came is no packed folder, or reaches out of it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already: choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as draft:
        packed, inner = Path(draft) / "packed", Path(draft) / "unpacked"
        yield packed
        try:
            with tarfile.open(packed, "r:gz") as archive:
                archive.extractall(inner, filter="data")
            (folder,) = (found for found in inner.iterdir() if found.is_dir())
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise SlotforgeError(f"{out} cannot be unpacked ({error}): try again") from error
        if out.exists():
            out.rmdir()
        shutil.move(folder, out)
