"""Duplicates by object code: proposals that compile to what is known already, found before a measurement is paid.

It costs one look at what was compiled anyway, and one more compilation for what was not, such as a parent or a built-in
policy in the slots of a proposal. Which earlier trials count follows from the number of a trial alone, as for other
duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slotforge.core.errors import BuildError, KillsWorkers
from slotforge.core.seams import Compiles, Domain, Executor
from slotforge.core.types import Candidate, Request, Trial, TrialState
from slotforge.search import worker
from slotforge.search.race import name_of

COMPILED = (TrialState.SCORED, TrialState.CONFIRMED, TrialState.RACED_OUT)


class Copy(NamedTuple):
    """What a candidate is a copy of, and what the compiler said of it, by slot."""

    of: str
    log: Mapping[str, str]


@dataclass(kw_only=True)
class Codes:
    """What the candidates of a run compile to.

    begun: trials from before the first proposal: built-in policies, and what earlier runs found.
    first: code -> number of the first trial that compiled to it.
    """

    domain: Domain
    executor: Executor
    begun: Sequence[Trial] = ()
    _code_of: dict[str, str] = field(default_factory=dict)
    _first: dict[str, int] = field(default_factory=dict)
    _read: int = 1  # trials that are indexed; the baseline is not

    def __post_init__(self) -> None:
        self._compiles = isinstance(self.domain, Compiles)  # asking takes long enough to be asked once

    async def twin(self, candidate: Candidate, request: Request, trials: Sequence[Trial], last: int) -> Copy | None:
        """Compile a candidate, and name what compiles to the same: a parent, an earlier trial, or one from before.

        Args:
            candidate: that passed the checks.
            request: that it answers.
            trials: of the run, in order.
            last: number of the newest trial that may be known of.

        Raises:
            BuildError: it does not compile.
        """
        if not self._compiles:
            return None
        new = [trial for trial in trials[self._read : last + 1] if trial.candidate and _measured(trial)]
        earlier = [trial.candidate for trial in new if trial.candidate]
        begun = {trial.number: trial.candidate for trial in self.begun if trial.candidate and _alike(trial, candidate)}
        await self._compile([*earlier, *request.parents, *begun.values()])
        for trial, known in zip(new, earlier, strict=True):
            if code := self._code_of.get(known.id):
                self._first.setdefault(code, trial.number)
        self._read = max(self._read, last + 1)
        try:
            (own,) = await self.executor.submit(worker.codes, (candidate,))
        except KillsWorkers as error:
            raise BuildError(str(error)) from None
        if own.failure:
            raise BuildError(own.failure, log=own.log)
        code = self._code_of[candidate.id] = _digest(own.text)
        if any(self._code_of.get(parent.id) == code for parent in request.parents):
            return Copy("its parent", own.log)
        twin = self._first.get(code)
        if twin is None or twin > last:
            twin = next((number for number, one in begun.items() if self._code_of.get(one.id) == code), None)
        return None if twin is None else Copy(name_of(twin, self.domain.terms), own.log)

    async def _compile(self, candidates: Sequence[Candidate]) -> None:
        """Find out what is not known yet; what does not compile, or not where workers are lost, has no code."""
        wanted = {one.id: one for one in candidates if one.id not in self._code_of}
        if wanted:
            try:
                found = await self.executor.submit(worker.codes, tuple(wanted.values()))
            except KillsWorkers:
                return
            self._code_of |= {
                id_: _digest(code.text) if not code.failure else "" for id_, code in zip(wanted, found, strict=True)
            }


def _alike(trial: Trial, candidate: Candidate) -> bool:
    """Whether a measured trial replaces the slots that a candidate does: others are no copies, and not compiled."""
    return trial.candidate is not None and trial.candidate.slots.keys() == candidate.slots.keys() and _measured(trial)


def _measured(trial: Trial) -> bool:
    return trial.state in COMPILED or trial.instances > 0


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
