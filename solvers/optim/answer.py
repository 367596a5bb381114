"""What the sandboxed process of a candidate does: it is asked what a rule is, or how it runs on a problem.

State that is kept between questions (problems, compiled programs) belongs to this candidate alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from slotforge.core import registry
from slotforge.core.errors import BuildError
from slotforge.core.ids import generator
from slotforge.solvers.optim.agreement import disagreement, parted
from slotforge.solvers.optim.blackbox._program import Searching
from slotforge.solvers.optim.builtin import SEARCH, cast, default
from slotforge.solvers.optim.compose import SELECTION, Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.probe import Choice, Nodes, Probe, behaviour, probes
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.rule import load
from slotforge.solvers.optim.runs import Runs, across_seeds
from slotforge.solvers.optim.simulate import AT_ONCE, SOON, WELL, Program
from slotforge.solvers.optim.traits import traits

Answer = dict[str, Any]
Sources = tuple[tuple[str, str], ...]


def answer(ask: Mapping[str, Any]) -> Answer:
    """Answer one question.

    Args:
        ask: "what": "inspect", "run" or "verify"; "slots": the sources; what else, see the function of that name.

    Raises:
        BuildError: the rule does not run; the message names slot and line.
    """
    sources = tuple(sorted(ask["slots"].items()))
    questions: Mapping[str, Callable[[Sources, Mapping[str, Any]], Answer]] = {
        "inspect": lambda sources, _: {
            "behaviour": [inspect(part) for part in _roles(sources)],
            "traits": {name: share for part in _roles(sources) for name, share in traits(composite(part)).items()},
        },
        "run": run,
        "verify": verify,
    }
    return questions[ask["what"]](sources, ask)


def inspect(sources: Sources) -> str:
    """Try the rules on probes without compiling anything; see `probe.behaviour`.

    Raises:
        BuildError: they run on none of them.
    """
    rule = composite(sources)
    try:
        seen = behaviour(rule)
        _trace(rule)
    except Exception as error:
        raise BuildError(said(error)) from None
    return seen


def _trace(rule: Composite) -> None:
    """Evaluate one step on abstract values, in single precision, on the first probe on which that goes."""
    failure: Exception | None = None
    for probe in probes(rule):
        probe.dtype = "float32"  # type: ignore[misc]
        data = {name: np.asarray(value, dtype="float32") for name, value in probe.draw({}, generator("probe")).items()}
        try:
            return Program(family=probe, rule=rule).inspect(data)
        except Exception as error:
            failure = failure or error
    if failure:
        raise failure
    return None


def run(sources: Sources, ask: Mapping[str, Any]) -> Answer:
    """Run trials by seeds on one problem.

    Args:
        ask: "family", "knobs", "problem" (its seed); "hps": numbers of each trial; "seeds"; "budget" in oracle calls;
            "goal": metric to reach; "quick": whether to save compiling time rather than running time; "horizon": steps
            that rules are told to plan for, the budget where it is missing.

    Returns:
        "hits": calls to each target, shape (targets, trials, seeds), -1 where it was missed; "least": the least metric
        that each trial reached; "progress": how far that is, in targets; "disagrees": where NumPy and JAX part, or "";
        what a step costs and how long compiling took.
    """
    family, data = problem(ask["family"], tuple(sorted(ask["knobs"].items())), ask["problem"])
    rules = prepared(family, data, _for(family, sources), quick=ask.get("quick", False))
    program = rules.program
    before, began = program.compile_s, time.process_time()
    with blamed():
        lots, budget = _lots(program, family, data, ask)
        disagrees = rules.disagreement(data, ask, lots[0])
    hits, least, came = _told([runs.cut(budget) for runs in lots], family, ask)
    return {
        "hits": np.where(np.isfinite(hits), hits, -1.0).tolist(),
        "progress": came.tolist(),
        "least": [float(value) if math.isfinite(value) else None for value in least],
        "disagrees": disagrees,
        "calls_per_step": 1.0 + program.spent.extra,
        "rounds_per_step": 1.0 + program.spent.rounds,
        "bits_per_step": program.spent.bits,
        "compile_s": program.compile_s - before,
        "run_s": time.process_time() - began - (program.compile_s - before),
    }


def _lots(program: Any, family: Family, data: Data, ask: Mapping[str, Any]) -> tuple[list[Runs], float]:
    """Run the trials, as many at once as the device likes; each lot may use the calls that the best so far needed.

    Returns:
        The runs, and the calls that the best needed: what came later is to be left out, so that it does not matter how
        many are run at once.
    """
    goal, seeds, budget = ask["goal"], ask["seeds"], float(ask["budget"])
    horizon = ask.get("horizon")
    count = len(ask["hps"])
    width = math.ceil(count / math.ceil(count / max(1, program.lanes // len(seeds))))  # lots of the same size
    lots: list[Runs] = []

    def done(runs: Runs) -> bool:
        return runs.settled(goal, family.quantile)

    for at in range(0, count, width):
        lot = ask["hps"][at : at + width]
        filled = [*lot, *[lot[-1]] * (width - len(lot))] if lots else lot
        runs = program.run(data, filled, seeds, budget=budget, enough=done, horizon=horizon)
        lots.append(runs.first_trials(len(lot)))
        budget = min(budget, float(lots[-1].cut(budget).calls_to(goal, family.quantile).min()))
    return lots, budget


def _told(lots: Sequence[Runs], family: Family, ask: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the calls to each target by trial and seed, and by trial the least metric and how far that is."""
    goal, quantile = ask["goal"], family.quantile
    hits = np.concatenate([runs.hits(goal, family.floor) for runs in lots], axis=1)
    least = np.concatenate([across_seeds(runs.least, quantile) for runs in lots])
    came = np.concatenate([runs.progress(goal, family.floor, quantile) for runs in lots])
    return hits, least, came


def verify(sources: Sources, ask: Mapping[str, Any]) -> Answer:
    """Run one trial with one seed in NumPy, in double precision, on a problem itself.

    Args:
        ask: as for `run`, with one trial and one seed.

    Returns:
        "calls": to the goal, or None.
    """
    family, data = problem(ask["family"], tuple(sorted(ask["knobs"].items())), ask["problem"])

    def done(runs: Runs) -> bool:
        return bool((runs.metric <= ask["goal"]).any())

    with blamed():
        reference = made(Loop, family, data, _for(family, sources))
        runs = reference.run(
            data, ask["hps"], ask["seeds"], budget=ask["budget"], enough=done, horizon=ask.get("horizon")
        )
    calls = float(runs.hits(ask["goal"], family.floor)[-1].min())
    return {"calls": calls if math.isfinite(calls) else None}


@cache
def problem(name: str, knobs: tuple[tuple[str, float], ...], seed: int) -> tuple[Family, Data]:
    """Draw a problem."""
    family: Family = registry.load("slotforge.solvers.optim.problems", name).family
    return family, family.draw({**family.knobs, **dict(knobs)}, generator(seed, "problem"))


@dataclass(kw_only=True)
class Prepared:
    """The program of some rules, or of a search, for problems of one shape."""

    family: Family
    program: Any
    _apart: str | None = None

    def disagreement(self, data: Data, ask: Mapping[str, Any], seen: Runs) -> str:
        """Say where NumPy and JAX part on a rule, or nothing.

        In double precision the reference, which compiles nothing, goes along with the run itself. Where that does not
        tell, and in single precision, both go over a small problem.
        """
        if isinstance(self.program, Searching):
            return ""
        if self.family.dtype == "float64":
            horizon = float(ask.get("horizon") or ask["budget"])
            told = parted(self.program, data, ask["hps"][0], ask["seeds"][0], horizon, seen)
            if told is not None:
                return told
        if self._apart is None:
            self._apart = disagreement(self.program.rule, _small(self.family, data))
        return self._apart


def prepared(family: Family, data: Data, sources: Sources, *, quick: bool) -> Prepared:
    """Make the program of some rules for problems of one shape, once.

    Args:
        quick: save compiling time, but not in single precision, where there are networks, whose steps take longer.
    """
    compiler = (AT_ONCE if family.brief else SOON) if quick and family.dtype == "float64" else WELL
    host = partial(Program, compiler=compiler)
    key = (family.name, sources, str([quick, *((name, np.shape(value)) for name, value in sorted(data.items()))]))
    if key not in _PREPARED:
        with blamed(f" (on {family.name})"):
            _PREPARED[key] = Prepared(family=family, program=made(host, family, data, sources))
    return _PREPARED[key]


_PREPARED: dict[tuple[str, Sources, str], Prepared] = {}


def _small(family: Family, data: Data) -> Probe:
    """Return a small problem whose arrays have the shapes of those of a problem."""
    if family.role == SELECTION:
        return Choice()
    p = family.start(data, generator("probe"))
    like = {name: np.shape(leaf) for name, leaf in p.items()} if isinstance(p, Mapping) else np.shape(p)
    return (Nodes if family.nodes else Probe)(like, family.rank(data))


def made(host: Callable[..., Any], family: Family, data: Data, sources: Sources) -> Any:
    """Make what runs some rules on a family, or the search that competes with rules, and try it."""
    search = dict(sources).get(SEARCH)
    program = Searching(family=family, name=search) if search else host(family=family, rule=composite(sources))
    program.inspect(data)
    return program


@cache
def composite(sources: Sources) -> Composite:
    """Load rules and put them together."""
    parts = {}
    for slot, source in sources:
        try:
            parts[slot] = load(source, slot)
        except BuildError as error:
            raise BuildError(f"{slot}: {error}") from None
    return Composite(parts=parts)


def _for(family: Family, sources: Sources) -> Sources:
    return tuple(sorted(cast(family, dict(sources)).items()))


def _roles(sources: Sources) -> list[Sources]:
    """Part the rules into those of a step, with the default of what makes one, and that of selection."""
    step = {slot: source for slot, source in sources if slot != SELECTION}
    chosen = tuple((slot, source) for slot, source in sources if slot == SELECTION)
    whole = tuple(sorted({"step": default("step"), **step}.items())) if step else ()
    return [part for part in (whole, chosen) if part]


@contextmanager
def blamed(where: str = "") -> Iterator[None]:
    """Blame the rule for what is raised, unless memory or the device is to blame.

    Raises:
        BuildError: the message names slot and line, where they are known.
    """
    from jax.errors import JaxRuntimeError

    try:
        yield
    except (MemoryError, JaxRuntimeError, BuildError):
        raise
    except Exception as error:
        raise BuildError(f"{said(error)}{where}") from None


def said(error: Exception) -> str:
    """Say in one line what went wrong, and on which line of which rule."""
    where = ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith("<") and name.endswith(" rule>"):
            where = f"{name[1:-6]}: line {trace.tb_lineno}: "
        trace = trace.tb_next
    text = " ".join(str(error).split())[:300]
    return f"{where}{type(error).__name__}: {text}"
