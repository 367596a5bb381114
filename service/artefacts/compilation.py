"""What compiling a candidate says: done again on this server, in a process of its own, with warnings on."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from threading import Lock

from slotforge.core.errors import SlotforgeError
from slotforge.core.home import home
from slotforge.core.seams import LogsCompiler
from slotforge.core.types import Candidate, Record
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import apart

MOST = 256  # that are remembered
LONGEST = 20_000  # characters of what is said of one slot
FACTS = ("compiler", "flags")


class Compiled(StrEnum):
    """What came of it."""

    COMPILED = "compiled"
    FAILED = "failed"
    REFUSED = "refused"  # by a check before it: such code is never compiled
    UNCOMPILED = "uncompiled"  # its domain compiles nothing ahead, or it replaces nothing


class Compilation(Record):
    """What compiling a candidate says on this server.

    why: in one line, where it failed or was refused.
    log: all that the compiler says, by slot; empty where it has nothing to say.
    environment: compiler and flags.
    """

    candidate: str
    state: Compiled
    why: str = ""
    log: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}


_known: OrderedDict[str, Compilation] = OrderedDict()
_lock = Lock()


def compilation(store: SqlStore, ref: str) -> Compilation:
    """Compile a candidate, unless that was done lately.

    Args:
        ref: its id, or the beginning of it.

    Raises:
        UnknownId: there is no such candidate.
        apart.Busy: too much is being built at once.
    """
    candidate = queries.candidate(store, ref)
    if not compiles(candidate.domain) or not candidate.slots:
        return Compilation(candidate=candidate.id, state=Compiled.UNCOMPILED)
    if (found := remembered(candidate.id)) is None:
        with apart.turn("builds"):
            out = apart.run(__name__, candidate, folder=home(), what="compilation")
        found = apart.read(Compilation, out)
        with _lock:
            _known[candidate.id] = found
            while len(_known) > MOST:
                _known.popitem(last=False)
    return found


def remembered(candidate: str) -> Compilation | None:
    """Return what compiling a candidate has said lately."""
    with _lock:
        return _known.get(candidate)


def compiles(domain: str) -> bool:
    """Whether candidates of a domain are compiled ahead, and that on this server."""
    from slotforge.search import worker

    try:
        return isinstance(worker.domain(domain), LogsCompiler)
    except SlotforgeError:
        return False


def compiled(candidate: Candidate) -> Compilation:
    """Check a candidate as its search did, compile it, and keep what is said."""
    from slotforge.search import worker

    domain = worker.domain(candidate.domain)
    assert isinstance(domain, LogsCompiler)
    if refusal := domain.check(candidate):
        return Compilation(candidate=candidate.id, state=Compiled.REFUSED, why=refusal)
    known = domain.environment()
    environment = {name: known[name] for name in FACTS if name in known}
    log = {slot: said[:LONGEST] for slot, said in domain.compile_log(candidate).items()}
    state, why = Compiled.COMPILED, ""
    try:
        domain.build(candidate)
    except SlotforgeError as error:
        state, why = Compiled.FAILED, str(error)
    return Compilation(candidate=candidate.id, state=state, why=why, log=log, environment=environment)


if __name__ == "__main__":
    print(apart.written(compiled(apart.read(Candidate, sys.stdin.read()))))
