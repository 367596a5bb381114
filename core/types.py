"""The words of the system, as frozen records of plain values that may cross a process, a file or the database."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from slotforge.core.ids import canonical, content_id, text_id
from slotforge.core.specs import endless

EVALS = 100  # where nothing else ends a search
CAP = 8.0  # a ratio of costs beyond [1/CAP, CAP] counts as the bound
_LEAST_LOG = -math.log(CAP)
DIGEST = "digest"


class Record(BaseModel):
    """Base of all records: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Slot(Record):
    """A place in a solver where a policy plugs in.

    contract: when it is called, with what, and what the host does with the answer; shown to the model as it is.
    signature: of the call operator, as text.
    default: the source of the policy that the solver ships with.
    variants: the policies of the literature, name -> source, the default's name first.
    """

    name: str
    summary: str
    contract: str
    signature: str
    default: str
    variants: Mapping[str, str]


class Terms(Record):
    """In what terms a domain tells and judges costs.

    language: of its policies, as a fence names it.
    unit: what cost counts, in the plural.
    short: the same in a word or two, for labels; empty where `unit` is no longer.
    reference: what costs are held against: the candidate without slots.
    least: a cost of the reference below which an instance tells nothing.
    span: a ratio above it counts as it does in a search; wide where a search may begin far behind the reference.
    block: instances that a race measures between two looks; five suffice to see that a candidate is far worse.
    tunes: whether a search tunes the numbers that policies declare, with trials of its own; not where measuring does.
    by_cpu: whether CPU seconds must bear out what the cost says; not where a cost counts what a user pays for.
    effort: what a prompt says of the work of a policy itself.
    checked: how a verdict says that answers were checked, with places for the numbers of models and proofs.
    next: commands to try with a winner, with places for {candidate}.
    use: how to use built-in policies, with a place for their {name}.
    """

    language: Literal["cpp", "python"] = "cpp"
    unit: str = "ticks"
    short: str = ""
    reference: str = "the unchanged solver"
    least: float = 0.0
    span: float = CAP
    block: int = 4
    tunes: bool = True
    by_cpu: bool = True
    effort: str = (
        "a policy can make the search slow, it cannot make it wrong; one that itself uses noticeable CPU time is "
        "charged for it"
    )
    checked: str = "{models} models checked, {proofs} proofs checked"
    next: tuple[str, ...] = ()
    use: str = "{name}"

    @property
    def label(self) -> str:
        """What cost counts, as short as a label must be."""
        return self.short or self.unit


class Number(Record):
    """A tunable number of a candidate: its value within [low, high].

    log: whether steps are ratios rather than differences.
    """

    value: float
    low: float
    high: float
    log: bool = False


class Candidate(Record):
    """A solver with some slots replaced: slot name -> source. No slots at all is the baseline."""

    domain: str
    slots: Mapping[str, str] = Field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """Identity by content."""
        return content_id({"domain": self.domain, "slots": dict(self.slots)})

    def with_slots(self, slots: Mapping[str, str]) -> Candidate:
        """Return this candidate with some of its slots replaced."""
        return Candidate(domain=self.domain, slots={**self.slots, **slots})


class Split(StrEnum):
    """What an instance may be used for."""

    SEARCH = "search"  # candidates see scores
    SELECT = "select"  # winners are chosen
    HOLDOUT = "holdout"  # opened once, for the report


class Instance(Record):
    """One benchmark item, named by the hash of its content.

    path: where the normalised content lies on this machine.
    status: the answer, where it is known.
    size: what its size is, for people ("1200 variables, 5000 clauses").
    """

    id: str
    name: str
    family: str
    path: str
    status: str | None = None
    size: str = ""


class Suite(Record):
    """Instances in their splits, and one line for each file or instance that was left out."""

    search: tuple[Instance, ...]
    select: tuple[Instance, ...]
    holdout: tuple[Instance, ...]
    warnings: tuple[str, ...] = ()


class Request(Record):
    """What a strategy asks for: apply an operator to parents and write these slots anew.

    parents: the new candidate is the first with the slots replaced; the others are shown beside it.
    told: what the strategy tells the operator's template besides, by name.
    written: slot -> source, where the strategy writes them itself: then nobody is asked.
    """

    operator: str
    parents: tuple[Candidate, ...]
    slots: tuple[str, ...]
    told: Mapping[str, str] = Field(default_factory=dict)
    written: Mapping[str, str] = Field(default_factory=dict)


class Prompt(Record):
    """A question to a proposer, as chat messages in order: (role, text)."""

    operator: str
    messages: tuple[tuple[Literal["system", "user", "assistant"], str], ...]

    @cached_property
    def text(self) -> str:
        """The messages, in the form by which they are named and kept."""
        return canonical(self.messages)

    @cached_property
    def id(self) -> str:
        """Identity by content: the key by which a recorded answer is found again."""
        return text_id(self.text, length=64)


class Completion(Record):
    """An answer of a proposer, and what it cost."""

    text: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    latency_s: float = 0.0


class Call(Record):
    """One exchange with a proposer within a trial. Stage names the agent: propose, advise, evaluate, repair ..."""

    stage: str
    prompt: Prompt
    completion: Completion


class Outcome(StrEnum):
    """How one run on one instance ended."""

    SOLVED = "solved"  # an answer, and nothing known against it
    LIMIT = "limit"  # the cost limit was reached: the cost is at least the limit
    TIMEOUT = "timeout"  # killed: it used time without making counted progress
    CRASH = "crash"
    TOO_LARGE = "too_large"  # for this machine: the memory, or the length of a proof or an answer
    WRONG = "wrong"  # the answer was refuted

    @property
    def finished(self) -> bool:
        """Whether the run came to an end of its own, so that its cost says something."""
        return self in (Outcome.SOLVED, Outcome.LIMIT)


class Measurement(Record):
    """One run of one candidate on one instance.

    cost: deterministic cost (ticks for SAT); at a limit, the limit.
    cpu_s: CPU seconds of the process, user and system.
    answer: what the solver said; evidence: what confirms it ("model", "proof", "status", or "" for none).
    stats: counters of the domain (conflicts, restarts ...); and as DIGEST a number for the whole answer, where costs
        alone do not tell candidates apart.
    """

    candidate: str
    instance: str
    family: str
    seed: int
    outcome: Outcome
    cost: float
    cpu_s: float
    answer: str = ""
    evidence: str = ""
    reason: str = ""
    sandbox_level: int = -1
    build: str = "plugin"
    stats: Mapping[str, float] = Field(default_factory=dict)


def charged(measurement: Measurement) -> float:
    """Return what a run counts as: its cost, or twice the limit when it was cut there (the convention of PAR-2)."""
    return charge(measurement.cost, measurement.outcome)


def charge(cost: float, outcome: str) -> float:
    """Return what a run of this cost and outcome counts as: see `charged`."""
    return cost * (2 if outcome == Outcome.LIMIT else 1)


def clipped(ratio: float) -> float:
    """Cut a ratio to [1/CAP, CAP], so that no single instance decides."""
    return min(max(ratio, 1 / CAP), CAP)


def clipped_log(ratio: float, span: float = CAP) -> float:
    """Return the logarithm of a ratio that is cut to [1/CAP, span]; with CAP both bounds are equally far from 0."""
    return max(_LEAST_LOG, math.log(min(span, ratio)))


def log_ratio(own: Measurement, other: Measurement, span: float = CAP) -> float:
    """Compare two runs on one instance, by what they count as: below 0 the first is faster.

    It is 0 when both were cut at their limits, for then nothing is known of which is faster.
    """
    if own.outcome is Outcome.LIMIT and other.outcome is Outcome.LIMIT:
        return 0.0
    return clipped_log(charged(own) / charged(other), span)


class TrialState(StrEnum):
    """Where a trial stands or how it ended."""

    PROPOSED = "proposed"
    REJECTED = "rejected"  # static check or duplicate
    FAILED = "failed"  # no code, did not compile, crashed
    TIMEOUT = "timeout"
    WRONG = "wrong"
    RACED_OUT = "raced_out"
    SCORED = "scored"
    CONFIRMED = "confirmed"


class Trial(Record):
    """One attempt, whatever became of it.

    number: position in its run, from 0; trial 0 is the baseline.
    parents: ids of the candidates that it was made from.
    reason: one line, for every state but SCORED and CONFIRMED.
    ratio: geometric mean of cost over the baseline's cost on the instances measured; below 1 is better.
    instances: on how many instances.
    against: number of the trial whose measurements it was raced against; None where it was not raced, or where that was
        not kept yet.
    cpu_s: CPU seconds of its measurements, and of those of copies that went back to the model for it.
    calls: the exchanges with the proposer, in order.
    log: what the compiler said of the candidate, by slot: all of a build that failed, the warnings of one that was
        measured, or refused for its object code; slots of which it had nothing to say, or that come after one that
        failed, are left out.
    said: what of them a strategy may go on from: the last answer at each stage without code, by stage, and the idea
        that came with the last code as "idea"; derived from the calls, and not stored.
    model: who wrote the code; derived from the calls as well.
    usd: what the calls cost; derived from them as well.
    measurements: on the search split.
    selection: on the select split, for a finalist and for the baseline.
    """

    run: str
    number: int
    operator: str
    slots: tuple[str, ...]
    parents: tuple[str, ...]
    state: TrialState
    candidate: Candidate | None = None
    reason: str = ""
    ratio: float | None = None
    instances: int = 0
    against: int | None = None
    cpu_s: float = 0.0
    calls: tuple[Call, ...] = ()
    log: Mapping[str, str] = Field(default_factory=dict)
    said: Mapping[str, str] = Field(default_factory=dict)
    model: str = ""
    usd: float = 0.0
    measurements: tuple[Measurement, ...] = ()
    selection: tuple[Measurement, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether it was measured on the whole search split."""
        return self.state in (TrialState.SCORED, TrialState.CONFIRMED)


class Budget(Record):
    """What a run may spend at most; None is no limit."""

    evals: int | None = None
    time_s: float | None = None
    tokens: int | None = None
    usd: float | None = None


class Spending(Record):
    """What one stretch of a run has spent that stands in no trial and no exchange.

    seconds: how long it has taken.
    tokens, usd: what calls that were not answered, or not yet, may have cost at most.
    """

    seconds: float = 0.0
    tokens: int = 0
    usd: float = 0.0


class RunConfig(Record):
    """Everything that defines a search.

    instances: folders, files or family specs, as given.
    slots: slots to search over; empty means all.
    model: proposer specs ("offline", "openai:NAME", "replay:FILE").
    budget: where none of it ends the search, EVALS evaluations do.
    window: proposals under way at once; a parent is at most so many trials old.
    options: settings of the domain and the racing that have defaults of their own.
    """

    domain: str
    instances: tuple[str, ...]
    slots: tuple[str, ...] = ()
    strategy: str = "one_plus_lambda"
    model: str = "offline"
    base_url: str | None = None
    budget: Budget = Budget(evals=EVALS)
    seed: int = 0
    workers: int = 2
    window: int = 4
    executor: str = "process"
    options: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("budget")
    @classmethod
    def _ends(cls, budget: Budget, others: ValidationInfo) -> Budget:
        """Let every search end."""
        paid = () if endless(others.data.get("model", "")) else (budget.tokens, budget.usd)
        ends = any(limit is not None for limit in (budget.evals, budget.time_s, *paid))
        return budget if ends else budget.model_copy(update={"evals": EVALS})


class Event(Record):
    """Something that happened to a run: started, resumed, interrupted, failed, finished, or a candidate was refuted.

    facts: `why` in one line, where there is a reason; for "refuted" also the fields of the measurement.
    """

    kind: str
    facts: Mapping[str, Any]
    at: datetime
