"""A store that lives as long as its process: for searches by the thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slotforge.core.comparison import Held, Pair
from slotforge.core.types import Call, Event, Measurement, RunConfig, Spending, Suite, Trial


@dataclass
class MemoryStore:
    """Keeps everything in dictionaries, by run."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _calls: dict[str, dict[int, list[Call]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    _trials: dict[str, dict[int, Trial]] = field(default_factory=lambda: defaultdict(dict))
    _sessions: dict[str, list[Spending]] = field(default_factory=lambda: defaultdict(list))
    _verdicts: dict[str | None, list[Held]] = field(default_factory=lambda: defaultdict(list))
    _interim: dict[str, dict[str, tuple[Measurement, ...]]] = field(default_factory=lambda: defaultdict(dict))
    _judged: list[Held] = field(default_factory=list)
    _events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def create_run(
        self, config: RunConfig, suite: Suite, environment: Mapping[str, str], *, run: str | None = None
    ) -> str:
        """Open a run and return its id."""
        run = run or f"run{len(self.runs)}"
        self.runs[run] = {"config": config, "suite": suite, "environment": dict(environment), "state": "running"}
        return run

    def record_call(self, run: str, number: int, call: Call) -> None:
        """Keep an exchange with a proposer."""
        self._calls[run][number].append(call)

    def calls(self, run: str, number: int) -> Sequence[Call]:
        """Return the exchanges kept for a trial, in order."""
        return tuple(self._calls[run][number])

    def all_calls(self, run: str, *, unfinished: bool = False) -> Mapping[int, Sequence[Call]]:
        """Return the exchanges kept for a run, by number of trial."""
        done = self._trials[run] if unfinished else {}
        return {number: tuple(calls) for number, calls in self._calls[run].items() if number not in done}

    def lock_run(self, run: str, *, take_over: bool = False) -> None:  # noqa: ARG002
        """No other process can drive it."""
        self.runs[run]["state"] = "running"

    def open_session(self, run: str) -> int:
        """Begin a stretch of a run; return its number."""
        self._sessions[run].append(Spending())
        self.record_event(run, "started" if len(self._sessions[run]) == 1 else "resumed", {})
        return len(self._sessions[run])

    def record_spending(self, run: str, session: int, spending: Spending) -> None:
        """Keep what a stretch has spent so far."""
        self._sessions[run][session - 1] = spending

    def flush(self) -> None:
        """Everything is as safe as it gets."""

    def record(self, trial: Trial) -> None:
        """Keep a finished trial."""
        self._trials[trial.run][trial.number] = trial

    def trials(self, run: str, *, first: int | None = None, last: int | None = None) -> Mapping[int, Trial]:
        """Return the finished trials of a run by number, all of them or those from a first to a last number."""
        kept = sorted(self._trials[run].items())
        return {n: t for n, t in kept if (first is None or first <= n) and (last is None or n <= last)}

    def newest(self, run: str) -> int:
        """Return the highest number of a finished trial; 0 where no proposal is finished."""
        return max(0, *self._trials[run], 0)

    def record_interim(self, run: str, key: str, measurements: Sequence[Measurement]) -> None:
        """Keep what the choice or a verdict has measured so far."""
        self._interim[run][key] = tuple(measurements)

    def interim(self, run: str) -> Mapping[str, Sequence[Measurement]]:
        """Return what is kept so, by key."""
        return dict(self._interim[run])

    def finish(
        self,
        run: str,
        state: str,
        report: Mapping[str, Any],
        *,
        why: str = "",
        selection: Mapping[int, Sequence[Measurement]] | None = None,
        verdicts: Sequence[Held] = (),
    ) -> None:
        """Close a run with its report and all that this rests on."""
        for number, measurements in (selection or {}).items():
            kept = self._trials[run][number]
            self._trials[run][number] = kept.model_copy(update={"selection": tuple(measurements)})
        self.record_verdict(run, *verdicts)
        self.runs[run] |= {"state": state, "report": dict(report)}
        self.record_event(run, state, {"why": why} if why else {})

    def record_verdict(self, run: str | None, *verdicts: Held) -> None:
        """Keep the verdicts of a confirmation."""
        self._verdicts[run] += verdicts
        self._judged += verdicts

    def verdicts(self, run: str) -> Sequence[Held]:
        """Return the verdicts on candidates of a run, in order."""
        return tuple(self._verdicts[run])

    def not_better(self, candidate: str, against: str, pairs: Sequence[Pair]) -> int:
        """Count the verdicts that looked whether something is better than a reference, and did not find it so."""
        found, here = 0, [pair.against for pair in pairs]
        for held in self._judged:
            there, own = [pair.against for pair in held.pairs], held.candidate.id == candidate
            if held.against.id != against:
                continue
            if own and {(one.instance, one.seed) for one in there} == {(one.instance, one.seed) for one in here}:
                break
            again = own and not {one.family for one in there}.isdisjoint(one.family for one in here)
            look = again or not {one.instance for one in there}.isdisjoint(one.instance for one in here)
            found += look and held.verdict.verdict != "better" and not held.control
        return found

    def opened(self, run: str) -> int:
        """Count the other runs that have judged a winner on instances of the holdout split of this one."""
        held = {other: {i.id for i in facts["suite"].holdout} for other, facts in self.runs.items()}
        return sum(other != run and bool(self._verdicts[other] and held[other] & held[run]) for other in held)

    def record_event(self, run: str, kind: str, facts: Mapping[str, Any]) -> None:
        """Keep that something happened to a run."""
        self._events[run].append(Event(kind=kind, facts=dict(facts), at=datetime.now(UTC)))

    def events(self, run: str) -> Sequence[Event]:
        """Return what happened to a run, in order."""
        return tuple(self._events[run])
