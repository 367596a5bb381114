"""Builds artefacts: a few at once, each in a process of its own that is killed when it takes too long."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from slotforge import __version__
from slotforge.core import errors
from slotforge.core.errors import SlotforgeError, StoreError, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import Candidate
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import shelf
from slotforge.service.artefacts.shelf import ArtefactRecord
from slotforge.service.artefacts.worker import Done, Task
from slotforge.service.views.provenance import RULES, provenance

AT_ONCE = 2
LIMIT_S = 300.0
SUFFIXES = {"solver": "", "cpp": ".hpp"}
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "CXX", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "JAX_PLATFORMS",
    "SLOTFORGE_HOME", "SLOTFORGE_ALLOW_UNSAFE_SANDBOX",
)  # fmt: skip
Numbers = Literal["tuned", "declared"]

_turns = threading.BoundedSemaphore(AT_ONCE)


class Busy(SlotforgeError):
    """Others are being built: try again in a while."""


def kinds(domain: str) -> Mapping[str, str]:
    """Give the kinds of artefacts of a domain, each with one line; a domain that is not ours has none."""
    from slotforge.solvers.optim import export as rules
    from slotforge.solvers.policy import export as policies
    from slotforge.solvers.sat import export as sat

    known = {"sat": sat.kinds(), RULES: rules.kinds(), "packing": policies.KINDS, "tsp": policies.KINDS}
    return known.get(domain, {})


def build(store: SqlStore, ref: str, kind: str, *, numbers: Numbers | None = None) -> tuple[ArtefactRecord, bool]:
    """Export a candidate, unless that was done before.

    Args:
        ref: id of the candidate, or the beginning of it.
        numbers: of step rules alone: defaults are medians of the best that was found, or what the rule declares.

    Returns:
        The artefact, and whether it was built just now.

    Raises:
        UnknownId: there is no such candidate.
        UsageError: its domain has no such kind, or no numbers.
        Busy: too many are being built at once.
        BuildError: it does not compile, or not in time.
    """
    candidate = queries.candidate(store, ref)
    if kind not in (offered := kinds(candidate.domain)):
        raise UsageError(f"no artefact '{kind}' for {candidate.domain}: choose one of {', '.join(offered) or 'none'}")
    if numbers and candidate.domain != RULES:
        raise UsageError(f"numbers are of step rules, and {candidate.id} is of {candidate.domain}: leave them out")
    told = provenance(store, candidate, tuned=numbers != "declared")
    id_ = content_id({"candidate": candidate.id, "kind": kind, "provenance": told, "version": __version__})
    try:
        return shelf.known(id_)[0], False
    except StoreError:
        record = _make(id_, candidate, kind, told)
    store.record_artefact(candidate, kind, shelf.folder() / id_ / record.file)
    return record, True


def _make(id_: str, candidate: Candidate, kind: str, told: Mapping[str, Any]) -> ArtefactRecord:
    """Build in a draft that becomes the artefact at once or not at all."""
    if not _turns.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} artefacts are being built, as many as there may be at once: try again in a minute")
    try:
        shelf.folder().mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=shelf.folder(), prefix=".draft-"))
        try:
            out = draft / f"{kind}_{candidate.id}{SUFFIXES.get(kind, '.py')}"
            written = _export(Task(candidate=candidate, kind=kind, out=str(out), provenance=told))
            record = shelf.describe(draft, written, id_=id_, candidate=candidate.id, kind=kind)
            _move(draft, shelf.folder() / id_)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        _turns.release()
    return record


def _move(draft: Path, place: Path) -> None:
    """Give a draft its place, unless another request was faster."""
    draft.chmod(0o755)
    try:
        draft.rename(place)
    except OSError:
        if not (place / shelf.ABOUT).is_file():
            raise


def _export(task: Task) -> Path:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-m", "slotforge.service.artefacts.worker"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=shelf.folder(),
        text=True,
        start_new_session=True,
    )
    try:
        out, said = process.communicate(task.model_dump_json(), timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise errors.BuildError(f"the export as {task.kind} took longer than {LIMIT_S:.0f} s, and was ended") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        last = (said.strip().splitlines() or ["it was killed"])[-1]
        raise SlotforgeError(f"the export as {task.kind} failed: {last}")
    done = Done.model_validate_json(out)
    if done.error:
        raise getattr(errors, done.error, SlotforgeError)(done.why)
    return Path(done.written)
