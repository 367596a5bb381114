"""What stores are tested with: strategies of all that they keep, and a few fixed records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from slotforge.core.comparison import FamilyVerdict, Held, Pair, Verdict
from slotforge.core.types import (
    Call,
    Candidate,
    Completion,
    Instance,
    Measurement,
    Outcome,
    Prompt,
    RunConfig,
    Suite,
    Trial,
    TrialState,
)

LONG = st.integers(-(2**63), 2**63 - 1)
COUNT = st.integers(0, 2**31 - 1)
REAL = st.floats(allow_nan=False)
TEXT = st.text(max_size=40)
SLOTS = st.dictionaries(TEXT, TEXT, max_size=3)
CANDIDATES = st.builds(Candidate, domain=TEXT, slots=SLOTS)
INSTANCES = st.builds(Instance, id=TEXT, name=TEXT, family=TEXT, path=TEXT, status=st.none() | TEXT, size=TEXT)
SUITES = st.builds(
    Suite,
    search=st.lists(INSTANCES, max_size=3).map(tuple),
    select=st.lists(INSTANCES, max_size=2).map(tuple),
    holdout=st.lists(INSTANCES, max_size=2).map(tuple),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)
CALLS = st.builds(
    Call,
    stage=TEXT,
    prompt=st.builds(
        Prompt,
        operator=TEXT,
        messages=st.lists(st.tuples(st.sampled_from(("system", "user", "assistant")), TEXT), max_size=3).map(tuple),
    ),
    completion=st.builds(
        Completion, text=TEXT, model=TEXT, input_tokens=LONG, output_tokens=LONG, usd=REAL, latency_s=REAL
    ),
)
MEASUREMENTS = st.builds(
    Measurement,
    candidate=TEXT,
    instance=TEXT,
    family=TEXT,
    seed=LONG,
    outcome=st.sampled_from(Outcome),
    cost=REAL,
    cpu_s=REAL,
    answer=TEXT,
    evidence=TEXT,
    reason=TEXT,
    sandbox_level=st.integers(-1, 3),
    build=TEXT,
    stats=st.dictionaries(TEXT, REAL, max_size=3),
)
TRIALS = st.builds(
    Trial,
    run=st.just(""),
    number=COUNT,
    operator=TEXT,
    slots=st.lists(TEXT, max_size=3).map(tuple),
    parents=st.lists(TEXT, max_size=3).map(tuple),
    state=st.sampled_from(TrialState),
    candidate=st.none() | CANDIDATES,
    reason=TEXT,
    ratio=st.none() | REAL,
    instances=COUNT,
    against=st.none() | st.integers(-(2**31), 2**31 - 1),
    cpu_s=REAL,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    log=SLOTS,
    measurements=st.lists(MEASUREMENTS, max_size=3).map(tuple),
    selection=st.lists(MEASUREMENTS, max_size=2).map(tuple),
)
PAIRS = st.builds(Pair, candidate=MEASUREMENTS, against=MEASUREMENTS, candidate_first=st.booleans())

CONFIG = RunConfig(domain="sat", instances=("langford",), slots=("restart_due",), options={"block": 4})
SUITE = Suite(
    search=(Instance(id="a1", name="one", family="langford", path="/one.cnf", status="SAT", size="9 variables"),),
    select=(),
    holdout=(Instance(id="a2", name="two", family="langford", path="/two.cnf"),),
)
BASELINE = Candidate(domain="sat")
OTHER = Candidate(domain="sat", slots={"restart_due": "struct Other {};"})

anything = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)


def sample_call(number: int, stage: str = "propose") -> Call:
    """Make an exchange that differs by number and stage."""
    prompt = Prompt(operator="mutate", messages=(("system", "rules"), ("user", f"{stage}: proposal {number}")))
    completion = Completion(
        text=f"answer {number}", model="m", input_tokens=10, output_tokens=5, usd=0.01, latency_s=1.5
    )
    return Call(stage=stage, prompt=prompt, completion=completion)


def sample_trial(run: str, number: int, **changes: Any) -> Trial:
    """Make a scored trial with two measurements; trial 0 is the baseline."""
    candidate = BASELINE.with_slots({"restart_due": f"struct S{number} {{}};"} if number else {})
    measurements = tuple(
        Measurement(
            candidate=candidate.id,
            instance=f"a{seed}",
            family="langford",
            seed=seed,
            outcome=Outcome.SOLVED,
            cost=1000.0 - number,
            cpu_s=0.5,
            stats={"conflicts": 7.0},
        )
        for seed in (1, 2)
    )
    fields: dict[str, Any] = {
        "run": run,
        "number": number,
        "operator": "mutate" if number else "baseline",
        "slots": ("restart_due",) if number else (),
        "parents": (BASELINE.id,) if number else (),
        "state": TrialState.SCORED,
        "candidate": candidate,
        "ratio": 1.0 - number / 1000,
        "instances": 2,
        "cpu_s": 1.0,
        "measurements": measurements,
    }
    return Trial(**(fields | changes))


def sample_verdict(ratio: float = 0.8, families: Mapping[str, float] | None = None) -> Verdict:
    """Make a verdict with an interval of 0.1 either side."""

    def figures(of: float) -> dict[str, Any]:
        outcome = "better" if of < 0.9 else "worse" if of > 1.1 else "no difference"
        return {
            "ratio": of,
            "low": of - 0.1,
            "high": of + 0.1,
            "p": 0.01,
            "instances": 9,
            "verdict": outcome,
            "cpu_ratio": of,
        }

    per_family = {name: FamilyVerdict(**figures(of)) for name, of in (families or {}).items()}
    return Verdict(**figures(ratio), families=per_family, proofs=3, models=4, notes=("checked",))


def held(candidate: Candidate, verdict: Verdict, against: Candidate = BASELINE, **rests_on: Any) -> Held:
    """Say that a candidate was held against the baseline, or another."""
    return Held(candidate=candidate, against=against, verdict=verdict, **rests_on)


def sample_pairs(candidate: Candidate) -> tuple[Pair, ...]:
    """Make two pairs of a candidate and the baseline; which went first alternates."""
    runs = zip(sample_trial("", 1).measurements, sample_trial("", 0).measurements, (True, False), strict=True)
    return tuple(
        Pair(candidate=run.model_copy(update={"candidate": candidate.id}), against=base, candidate_first=first)
        for run, base, first in runs
    )


def changed(pairs: Sequence[Pair], **new: Callable[[Measurement], Any]) -> tuple[Pair, ...]:
    """Change fields of both runs of each pair, given what they are now."""

    def other(run: Measurement) -> Measurement:
        return run.model_copy(update={name: make(run) for name, make in new.items()})

    return tuple(
        pair.model_copy(update={"candidate": other(pair.candidate), "against": other(pair.against)}) for pair in pairs
    )
