"""What was tried before, so that it is not paid for twice: known by its source, its object code or its behaviour.

Which earlier trials count follows from the number of a trial alone, never on which worker was quicker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from slotforge.core.seams import Domain, Executor
from slotforge.core.types import Candidate, Measurement, Outcome, Request, Trial, TrialState
from slotforge.search.codes import Codes
from slotforge.search.novelty import Novelty
from slotforge.search.race import Result, name_of, signature


@dataclass(kw_only=True)
class Copies:
    """Recognises candidates that are the same as an earlier one, or too close to one that lost.

    begun: trials from before the first proposal: built-in policies, and what earlier runs found.
    novelty: refuses what is too close; nothing, where it is None.
    probe: measurements that show whether two candidates behave alike, the first of a race.
    """

    domain: Domain
    executor: Executor
    begun: Sequence[Trial] = ()
    novelty: Novelty | None = None
    probe: int
    _keys: dict[bytes, int] = field(default_factory=dict)
    _signatures: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._codes = Codes(domain=self.domain, executor=self.executor, begun=self.begun)

    def know(self, trial: Trial) -> None:
        """Remember what a trial was and did."""
        if trial.candidate is not None and (trial.instances > 0 or self.domain.check(trial.candidate) is None):
            self._keys.setdefault(_digest(self.domain.key(trial.candidate)), trial.number)
        probe = trial.measurements[: self.probe]
        if _telling(trial, probe):
            self._signatures.setdefault(_digest(signature(probe)), trial.number)

    def tell(self, trial: Trial) -> None:
        """Take in a finished trial of the search."""
        self.know(trial)
        if self.novelty:
            self.novelty.tell(trial)

    async def refused(
        self, candidate: Candidate, request: Request, trials: Sequence[Trial], last: int
    ) -> Result | None:
        """Refuse a candidate that need not be measured; to know that it is no copy by its object code, compile it.

        Takes and raises what `Codes.twin` does, whatever the candidate, which is checked here.
        """
        if refusal := self._refusal(candidate, request, last):
            return Result(state=TrialState.REJECTED, reason=refusal)
        copy = await self._codes.twin(candidate, request, trials, last)
        if copy is None:
            return None
        return Result(state=TrialState.REJECTED, reason=f"compiles to the same code as {copy.of}", log=copy.log)

    def behaving(self, told: tuple[object, ...], last: int) -> int | None:
        """Find an earlier trial by the signature of its first measurements, up to the newest that may be known of."""
        return _settled(self._signatures.get(_digest(told)), last)

    def _refusal(self, candidate: Candidate, request: Request, last: int) -> str | None:
        """Say why a candidate need not be built: a static check, or an earlier candidate that is the same, or close."""
        if refusal := self.domain.check(candidate):
            return refusal
        twin = _settled(self._keys.get(_digest(self.domain.key(candidate))), last)
        if twin is not None:
            return f"the same as {name_of(twin, self.domain.terms)}"
        return self.novelty.refusal(candidate, request.slots, last) if self.novelty else None


def _settled(twin: int | None, last: int) -> int | None:
    """Return an earlier trial if it may be known of."""
    return twin if twin is not None and twin <= last else None


def _digest(value: object) -> bytes:
    """Shorten what is only ever compared."""
    return hashlib.blake2b(repr(value).encode(), digest_size=16).digest()


def _telling(trial: Trial, probe: Sequence[Measurement]) -> bool:
    """Whether its costs are a trial's own: of a run that was cut they are those of the limit."""
    solved = sum(m.outcome is Outcome.SOLVED for m in probe)
    return solved == len(probe) if trial.state is TrialState.RACED_OUT else trial.scored and 2 * solved >= len(probe)
