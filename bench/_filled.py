"""A store of any size, filled fast: the same arguments, the same rows, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import random
import zlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from slotforge.core.comparison import Verdict
from slotforge.core.types import Budget, Candidate, RunConfig
from slotforge.search.report import Baseline, Best, Cost, Report

DOMAINS = ("sat", "sat", "sat", "optim")
SLOTS = ("restart_due", "decay", "phase", "clause_score", "rephase_due", "minimize")
FAMILIES = 12
EACH = 20  # instances of a family
PER_RUN = 3  # families
DEPTH = 250  # generations at most
RECENT = 4  # trials that a parent is drawn from
STARTED = 1_700_000_000.0
SHARES = (("scored", 0.4), ("raced_out", 0.8), ("rejected", 0.87), ("failed", 0.97), ("timeout", 1.0))
VERDICTS = 2  # of each run
PER_PROMPT = 50  # trials
TOKENS, USD = (900, 300), 0.002  # of an exchange, at least
CHUNK = 5_000  # trials
TEXT = """struct Policy {{
    // Number {number} of its run: how urgent this is grows with what was learnt lately, and fades with time.
    double urgency = {a}, fading = {b};
    double operator()(const State& state) {{
        const double quick = state.lbd_fast, slow = state.lbd_slow;
        if (state.conflicts < {c}) return 0.0;
        urgency = fading * urgency + (1.0 - fading) * quick / (slow + 1e-9);
        return urgency > {d} ? state.level - {c} % (state.level + 1) : slow * {a};
    }}
}};
"""
FIGURES = ("ratio", "low", "high", "p", "instances", "verdict", "cpu_ratio")  # of a verdict
COST = """CAST(1000 + 97 * s.position AS DOUBLE PRECISION)
    * (CASE WHEN t.number = 0 THEN 1000 ELSE 600 + t.number * 7919 % 900 END)
    * (950 + (t.number * 31 + s.position * 17) % 100) / 1000000.0"""
MEASURE = """
INSERT INTO measurement (run, number, position, candidate, instance, family, seed, outcome, cost, cpu_s, answer,
    evidence, reason, sandbox_level, build, stats)
SELECT t.run, t.number, s.position, t.candidate, i.id, i.family, 7, 'solved', {cost}, {cost} / 1000000.0, 'SAT',
    'model', '', 2, 'plugin', '{{"conflicts":' || t.number || '.0,"restarts":' || s.position || '.0}}'
FROM trial t JOIN suite s ON s.run = t.run AND s.split = 'search' JOIN instance i ON i.key = s.instance
WHERE t.run = '{run}' AND (t.state = 'scored' OR t.state = 'raced_out' AND s.position < {few})
ORDER BY t.number, s.position
"""

Values = tuple[Any, ...]
COLUMNS = {
    "environment": "id facts",
    "instance": "key id name family path status size",
    "candidate": "id domain",
    "run": "id domain config environment warnings state report driver started ended",
    "suite": "run split position instance",
    "prompt": "id messages",
    "source": "id text",
    "candidate_slot": "candidate slot source",
    "trial": "run number operator slots state candidate reason ratio instances cpu_s",
    "parent": "run number position candidate",
    "completion": "run number position stage operator prompt model input_tokens output_tokens usd latency_s text",
    "session": "run number seconds tokens usd",
    "event": "id run kind facts at",
    "verdict": "id run candidate against environment proofs models notes at",
    "verdict_family": "id verdict family ratio low high p instances outcome cpu_ratio",
    "verdict_measurement": "verdict position side candidate instance family seed outcome cost cpu_s answer evidence "
    "reason sandbox_level build stats",
}


def _digest(*key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def _asked(number: int) -> int:
    """Tell how many tokens the prompt of a trial has."""
    return TOKENS[0] + number % 100


FAMILY = {
    _digest("instance", family, item): family
    for family in (f"family{number:02}" for number in range(FAMILIES))
    for item in range(EACH)
}  # of each instance
ENVIRONMENT = _digest("environment")


class Sink(Protocol):
    """Where rows go."""

    def put(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Write rows as the database keeps them."""

    def run(self, statement: str) -> None:
        """Execute a statement."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is: runs, trials of all, trials of the largest, measurements of all trials together."""

    runs: int
    trials: int
    largest: int
    measurements: int

    @property
    def of_runs(self) -> list[int]:
        """Share the trials out among the runs, the largest first."""
        each, more = divmod(self.trials - self.largest, self.runs - 1)
        return [self.largest, *(each + (place < more) for place in range(self.runs - 1))]

    @property
    def per_trial(self) -> int:
        """Measurements of a trial, on average."""
        return self.measurements // self.trials


@dataclass
class _Made:
    """A scored candidate to go on from."""

    candidate: Candidate
    depth: int
    ratio: float


@dataclass
class Filler:
    """Fills a store run by run; `deep` holds candidates with a lineage of some depth, `some` any that were scored."""

    sink: Sink
    size: Size
    runs: list[str] = field(default_factory=list)
    deep: dict[str, int] = field(default_factory=dict)
    some: list[str] = field(default_factory=list)
    _rows: dict[str, list[Values]] = field(default_factory=lambda: defaultdict(list))
    _ids: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _states: Counter[str] = field(default_factory=Counter)  # of the run's trials

    def fill(self) -> Iterator[str]:
        """Write everything but summaries; yields the runs that are done."""
        self._add("environment", ENVIRONMENT, json.dumps({"compiler": "g++ 12.2.0", "engine": "0" * 16}))
        for id_, family in FAMILY.items():
            self._add("instance", id_, id_, id_[:8], family, f"/data/{id_}.cnf", None, "900 variables")
        for domain in sorted(set(DOMAINS)):
            self._add("candidate", Candidate(domain=domain).id, domain)
        for place, trials in enumerate(self.size.of_runs):
            yield self._run(place, trials)
        self._write()

    def _run(self, place: int, trials: int) -> str:
        run, domain, rng = _digest("run", place)[:10], DOMAINS[place % len(DOMAINS)], random.Random(place)
        self.runs.append(run)
        self._states = Counter()
        families = [f"family{(place + 5 * k) % FAMILIES:02}" for k in range(PER_RUN)]
        order = [_digest("instance", family, item) for item in range(EACH) for family in families]
        searched = 2 * self.size.per_trial
        splits = {"search": order[:searched], "select": order[searched : searched + 10], "holdout": order[-10:]}
        for split, keys in splits.items():
            for position, key in enumerate(keys):
                self._add("suite", run, split, position, key)
        best = self._trials(run, domain, trials, rng)
        holdout = self._judge(run, domain, best, order[-10:])
        config = RunConfig(
            domain=domain,
            instances=tuple(families),
            slots=SLOTS,
            seed=place,
            budget=Budget(evals=trials),
        )
        self._ended(run, config, trials, best[0] if best else _Made(Candidate(domain=domain), 0, 1.0), holdout)
        self._write()
        self.sink.run(MEASURE.format(cost=COST, run=run, few=max(1, self.size.per_trial // 2)))
        return run

    def _trials(self, run: str, domain: str, trials: int, rng: random.Random) -> list[_Made]:
        """Write the trials of a run, and return the best that were scored."""
        base = _Made(Candidate(domain=domain), 0, 1.0)
        cpu = 0.05 * self.size.per_trial
        self._states["scored"] += 1
        self._add("trial", run, 0, "baseline", "[]", "scored", base.candidate.id, "", 1.0, 1, cpu)
        recent: deque[_Made] = deque([base], maxlen=RECENT)
        best: list[_Made] = []
        for number in range(1, trials):
            chance = rng.random()
            state = next(name for name, share in SHARES if chance < share)
            parents = [recent[rng.randrange(len(recent))] for _ in range(1 + (rng.random() < 0.1))]
            made = self._trial(run, number, state, parents, rng)
            if state == "scored":
                recent.append(made if made.depth < DEPTH else base)
                best = sorted([*best, made], key=lambda one: one.ratio)[:VERDICTS]
                if made.depth >= min(200, self.size.largest // 20) and made.depth % 10 == 0 and len(self.deep) < 200:
                    self.deep[made.candidate.id] = made.depth
                elif number % 97 == 0 and len(self.some) < 2_000:
                    self.some.append(made.candidate.id)
            if number % CHUNK == 0:
                self._write()
        return best

    def _trial(self, run: str, number: int, state: str, parents: Sequence[_Made], rng: random.Random) -> _Made:
        """Write a trial with its candidate and its exchange; one that is rejected is its parent again."""
        parent, slot = parents[0], SLOTS[rng.randrange(len(SLOTS))]
        factors = {"a": rng.random(), "b": rng.random(), "c": rng.randrange(1000), "d": rng.random()}
        source = TEXT.format(number=number, **factors)
        packed = zlib.compress(source.encode(), 1)
        ratio = (600 + number * 7919 % 900) / 1000
        made = _Made(parent.candidate.with_slots({slot: source}), parent.depth + 1, ratio)
        candidate = {"rejected": parent.candidate, "failed": None}.get(state, made.candidate)
        if candidate is made.candidate:
            self._candidate(made.candidate, slot, packed)
        fields = ("mutate" if len(parents) == 1 else "crossover", json.dumps([slot]), state)
        id_, measured = candidate.id if candidate else None, state in ("scored", "raced_out")
        reason = "" if state == "scored" else f"{state}: no better than what is known"
        ratios = (ratio if measured else None, 1 if measured else 0, 0.5 * measured)
        self._states[state] += 1
        self._add("trial", run, number, *fields, id_, reason, *ratios)
        for position, one in enumerate(parents):
            self._add("parent", run, number, position, one.candidate.id)
        prompt = _digest(run, number // PER_PROMPT) * 2
        if number % PER_PROMPT == 1:
            messages = json.dumps([["system", "Write a policy."], ["user", f"{source}\nBetter, as {run} {number}."]])
            self._add("prompt", prompt if number > 1 else _digest(run, 0) * 2, zlib.compress(messages.encode(), 1))
        elif number % PER_PROMPT == 0:
            prompt = _digest(run, number // PER_PROMPT - 1) * 2
        exchange = ("propose", "mutate", prompt, "model-1", _asked(number), TOKENS[1], USD, 1.5, packed)
        self._add("completion", run, number, 0, *exchange)
        return made

    def _candidate(self, candidate: Candidate, new: str, packed: bytes) -> None:
        self._add("candidate", candidate.id, candidate.domain)
        for slot, text in candidate.slots.items():
            source = hashlib.sha256(text.encode()).hexdigest()[:32]
            self._add("candidate_slot", candidate.id, slot, source)
            if slot == new:
                self._add("source", source, packed)

    def _judge(self, run: str, domain: str, best: Sequence[_Made], instances: Sequence[str]) -> Verdict | None:
        """Write a verdict on each of the best, and return the first."""
        against = Candidate(domain=domain).id
        first: Verdict | None = None
        for place, made in enumerate(best):
            verdict = self._next("verdict")
            self._add("verdict", verdict, run, made.candidate.id, against, None, 5, 5, "[]", STARTED + place)
            held = Verdict(
                ratio=made.ratio + 0.05,
                low=made.ratio,
                high=made.ratio + 0.1,
                p=0.01,
                instances=10,
                verdict="better" if verdict % 3 == 0 else "no difference",
                cpu_ratio=1.0,
            )
            first = first or held
            families = sorted({FAMILY[key] for key in instances})
            for family in (None, *families):
                figures = (getattr(held, name) for name in FIGURES)
                self._add("verdict_family", self._next("verdict_family"), verdict, family, *figures)
            for position in range(2 * len(instances)):
                side = "candidate" if position % 2 == 0 else "against"
                id_, instance = made.candidate.id if position % 2 == 0 else against, instances[position // 2]
                family = FAMILY[instance]
                ran = ("solved", 1000.0 + position, 0.5, "SAT", "model", "", 2, "plugin", "{}")
                self._add("verdict_measurement", verdict, position, side, id_, instance, family, 7, *ran)
        return first

    def _ended(self, run: str, config: RunConfig, trials: int, best: _Made, holdout: Verdict | None) -> None:
        chosen = best.candidate
        report = Report(
            run=run,
            state="finished",
            trials=trials - 1,
            states=dict(self._states),
            models={"model-1": trials - 1},
            baseline=Baseline(candidate=Candidate(domain=config.domain).id),
            best=Best(candidate=chosen.id, slots=dict(chosen.slots), ratio_search=best.ratio),
            holdout=holdout,
            controls={},
            cost=Cost(
                usd=USD * (trials - 1),
                tokens=sum(_asked(number) + TOKENS[1] for number in range(1, trials)),
                cpu_s=0.5 * (self._states["scored"] + self._states["raced_out"]),
            ),
        )
        started = STARTED + 60.0 * config.seed
        texts = (config.model_dump_json(), ENVIRONMENT, "[]", "finished", report.model_dump_json(), None)
        self._add("run", run, config.domain, *texts, started, started + 3600.0)
        self._add("session", run, 1, 3600.0, 0, 0.0)
        for kind in ("started", "finished"):
            self._add("event", self._next("event"), run, kind, "{}", started)

    def _add(self, table: str, *values: Any) -> None:
        self._rows[table].append(values)

    def _next(self, table: str) -> int:
        self._ids[table] += 1
        return self._ids[table]

    def _write(self) -> None:
        for table, columns in COLUMNS.items():
            if self._rows[table]:
                self.sink.put(table, columns.split(), self._rows.pop(table))
