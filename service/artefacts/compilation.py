"""What the compiler says of a candidate: as its search built it, or asked again on this server.

Where it is asked again, that is in a process of its own.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from threading import Lock

from slotforge.core.errors import BuildError, SlotforgeError
from slotforge.core.home import home
from slotforge.core.seams import Compiles
from slotforge.core.types import Candidate, Record
from slotforge.lineage import queries
from slotforge.lineage.reads.built import last_build
from slotforge.lineage.store import SqlStore
from slotforge.search.proposers._endpoint import redact
from slotforge.service.artefacts import apart

MOST = 256  # that are remembered
FACTS = ("compiler", "flags")
DIAGNOSED = re.compile(r"\w+: line \d+: ")  # how a reason begins that is an error in the code of a slot


class Compiled(StrEnum):
    """What came of it."""

    COMPILED = "compiled"
    FAILED = "failed"
    REFUSED = "refused"  # by a check before it: such code is never compiled
    UNCOMPILED = "uncompiled"  # its domain compiles nothing ahead, or it replaces nothing
    UNRECORDED = "unrecorded"  # no trial has kept what the compiler said


class Compilation(Record):
    """What the compiler said of a candidate.

    why: in one line, where it failed or was refused.
    log: what it said, by slot, cut at 20,000 characters each; empty where that was nothing, and where a policy that
        ships was not compiled.
    environment: compiler and flags.
    run, number: of the trial that it was built for; None where it was built again on this server.
    """

    candidate: str
    state: Compiled
    why: str = ""
    log: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}
    run: str | None = None
    number: int | None = None


_again: OrderedDict[str, Compilation] = OrderedDict()
_lock = Lock()


def recorded(store: SqlStore, ref: str) -> Compilation:
    """Return what the newest trial of a candidate has kept, or what asking again has said lately; compile nothing.

    Raises:
        UnknownId: there is no such candidate.
    """
    candidate = queries.candidate(store, ref)
    if not compiles(candidate.domain) or not candidate.slots:
        return Compilation(candidate=candidate.id, state=Compiled.UNCOMPILED)
    if built := last_build(store, candidate.id):
        return Compilation(
            candidate=candidate.id,
            state=Compiled.FAILED if built.failure else Compiled.COMPILED,
            why=built.failure,
            log=built.log if built.failure else _of_all(candidate, built.log),
            environment=_facts(built.environment),
            run=built.run,
            number=built.number,
        )
    with _lock:
        return _again.get(candidate.id) or Compilation(candidate=candidate.id, state=Compiled.UNRECORDED)


def lately(store: SqlStore, ref: str) -> Compilation:
    """Return what asking again has said lately, or else what the newest trial of a candidate has kept.

    Raises:
        UnknownId: there is no such candidate.
    """
    candidate = queries.candidate(store, ref)
    with _lock:
        found = _again.get(candidate.id)
    return found or recorded(store, candidate.id)


def again(store: SqlStore, ref: str) -> Compilation:
    """Compile a candidate on this server, unless that was done lately; what may not fail another time is done again.

    Args:
        ref: its id, or the beginning of it.

    Raises:
        UnknownId: there is no such candidate.
        apart.Busy: too much is being built at once.
    """
    candidate = queries.candidate(store, ref)
    if not compiles(candidate.domain) or not candidate.slots:
        return Compilation(candidate=candidate.id, state=Compiled.UNCOMPILED)
    with _lock:
        found = _again.get(candidate.id)
    if found is None:
        with apart.turn("builds"):
            made = apart.read(Compilation, apart.run(__name__, candidate, folder=home(), what="compilation"))
        log = {slot: redact(said) for slot, said in made.log.items()}
        found = made.model_copy(update={"why": redact(made.why), "log": log})
        if lasts(found):
            _keep(found)
    return found


def lasts(made: Compilation) -> bool:
    """Whether compiling again would come out the same: where a compiler was stopped, or did not start, it may not."""
    return made.state is not Compiled.FAILED or bool(made.log and DIAGNOSED.match(made.why))


def _keep(made: Compilation) -> None:
    with _lock:
        _again[made.candidate] = made
        while len(_again) > MOST:
            _again.popitem(last=False)


def compiles(domain: str) -> bool:
    """Whether candidates of a domain are compiled ahead, and that on this server."""
    from slotforge.search import worker

    try:
        return isinstance(worker.domain(domain), Compiles)
    except SlotforgeError:
        return False


def compiled(candidate: Candidate) -> Compilation:
    """Check a candidate as its search did, compile it, and keep what is said."""
    from slotforge.search import worker

    domain = worker.domain(candidate.domain)
    if refusal := domain.check(candidate):
        return Compilation(candidate=candidate.id, state=Compiled.REFUSED, why=refusal)
    made = Compilation(candidate=candidate.id, state=Compiled.COMPILED, environment=_facts(domain.environment()))
    try:
        return made.model_copy(update={"log": _of_all(candidate, domain.build(candidate))})
    except BuildError as error:
        return made.model_copy(update={"state": Compiled.FAILED, "why": str(error), "log": error.log})
    except SlotforgeError as error:
        return made.model_copy(update={"state": Compiled.FAILED, "why": str(error)})


def _of_all(candidate: Candidate, log: Mapping[str, str]) -> Mapping[str, str]:
    """Name the slots as well of which there was nothing to say."""
    return {slot: log.get(slot, "") for slot in candidate.slots}


def _facts(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: environment[name] for name in FACTS if name in environment}


if __name__ == "__main__":
    print(apart.written(compiled(apart.read(Candidate, sys.stdin.read()))))
