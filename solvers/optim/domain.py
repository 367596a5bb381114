"""Step rules of iterative optimizers: seven slots in Python, judged in oracle calls on families of problems."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Instance, Measurement, Number, Request, Slot, Suite, Terms
from slotforge.solvers import machine

if TYPE_CHECKING:
    from numpy.random import Generator

INSPECT_S = 20.0  # CPU seconds for trying a rule on probes
ENGINE = (
    "agreement",
    "answer",
    "aux",
    "builtin",
    "case",
    "compose",
    "counted",
    "draws",
    "lanes",
    "loop",
    "measure",
    "probe",
    "products",
    "rule",
    "runs",
    "serve/start",
    "simulate",
    "tune",
)


class Optim:
    """The domain of step rules: see `core.seams.Domain`.

    The candidate without slots stands for the best tuned specialist of each family.
    """

    name = "optim"
    terms = Terms(
        language="python",
        unit="oracle calls",
        reference="the best tuned specialist of each family",
        least=2.0,
        span=1e4,
        block=5,
        tunes=False,
        by_cpu=False,
        effort="all that a rule asks of the oracle besides the gradient is charged, and so are more than two exchanges "
        "with neighbours, and more than two factorings of the parameters or twenty products in a step",
        checked="{models} results confirmed by the NumPy reference",
        next=(
            "slotforge export {candidate} --as torch --out my_rule.py",
            "slotforge export {candidate} --as optax --out my_rule.py",
            "slotforge export {candidate} --as scipy --out my_rule.py",
        ),
        use="slotforge export {name} --as torch --out my_rule.py",
    )

    @property
    def memory_mb(self) -> int:
        """What the process of a rule may have for itself."""
        from slotforge.solvers.optim.measure import MEMORY_MB

        return MEMORY_MB

    def slots(self) -> Mapping[str, Slot]:
        """Read the slots from their folders."""
        from slotforge.solvers.optim.builtin import slots

        return slots()

    def describe(self, families: Sequence[str]) -> str:
        """Give the text that prompts show: the interface, the array functions, the families, and how costs are made."""
        from slotforge.solvers.optim.describe import text

        return text(families)

    def searched(self, specs: Sequence[str]) -> Sequence[str]:
        """Choose by the roles of the families: parts of a step, sampling where there are nodes, or selection."""
        from slotforge.solvers.optim import case

        families = [case.parse(spec)[0] for spec in specs]
        step = any(family.role == "step" for family in families)
        wanted = {
            "step": step,
            "transform": step,
            "precondition": step,
            "schedule": step,
            "restart": step,
            "sampling": any(family.name == "node_sampling" for family in families),
            "selection": any(family.role == "selection" for family in families),
        }
        return tuple(slot for slot, sensible in wanted.items() if sensible)

    def start(self, slots: Sequence[str]) -> Candidate:
        """Begin from the default of the first slot: plain gradient descent for a step, elitism for selection."""
        from slotforge.solvers.optim.builtin import default

        return Candidate(domain=self.name, slots={slots[0]: default(slots[0])})

    def suite(self, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
        """Draw problems of the families.

        Args:
            specs: as "matrix_sensing" or "least_squares:kappa=1e4".
            options: `per_family`; `holdout_only` to put all into one split.

        Raises:
            UsageError: a spec names nothing, or twins are asked for, which there are only of formulas.
        """
        from slotforge.solvers.optim import instances

        if options.get("twins"):
            raise UsageError("twins are made of formulas alone: give another --seed for fresh problems")
        gather = instances.holdout if options.get("holdout_only") else instances.collect
        return gather(specs, seed=seed, per_family=int(options.get("per_family", instances.PER_FAMILY)))

    def check(self, candidate: Candidate) -> str | None:
        """Check each source against the allow list, then try the rules on probes, sandboxed and without compiling."""
        from slotforge.solvers.optim.hygiene import check

        faults = [f"{slot}: {fault}" for slot, source in candidate.slots.items() if (fault := check(slot, source))]
        if faults:
            return "; ".join(faults)
        return self._inspected(candidate).fault or None

    def key(self, candidate: Candidate) -> str:
        """Return what the rules do on probes, and how those are made that may do something else where no probe gets."""
        from slotforge.solvers.optim.key import thresholds

        if not candidate.slots:
            return "reference"
        made = {slot: found for slot, source in sorted(candidate.slots.items()) if (found := thresholds(source))}
        return f"{self._inspected(candidate).behaviour}{made or ''}"

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Vary expressions."""
        from slotforge.solvers.optim.vary import vary

        return vary(request, self.slots(), rng)

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:  # noqa: ARG002
        """None: `hp` are tuned within each measurement, with equal trials for rules and baselines alike."""
        return {}

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:
        """Refuse numbers, for there are none."""
        if values:
            raise UsageError(f"a step rule has no number {min(values)!r}: its `hp` are tuned when it is measured")
        return candidate

    def behaviour(
        self,
        candidate: Candidate,
        measurements: Sequence[Measurement],  # noqa: ARG002
        reference: Sequence[Measurement],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Say what the rules do on probes; nothing of a candidate without slots, which is many rules."""
        return self._inspected(candidate).traits if candidate.slots else {}

    def build(self, candidate: Candidate) -> Mapping[str, str]:  # noqa: ARG002
        """Nothing is built ahead: programs are compiled in the process of the candidate."""
        return {}

    def measure(
        self, candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
    ) -> Measurement:
        """Tune and run on one problem."""
        from slotforge.solvers.optim.measure import run

        return run(candidate, instance, seed=seed, limit=limit, prove=prove, fused=fused)

    def export(self, candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
        """Write an optimizer for torch, optax or scipy that needs slotforge no more."""
        from slotforge.solvers.optim.export import export

        return export(candidate.slots, kind, out, provenance)

    def environment(self) -> Mapping[str, str]:
        """Describe array libraries, evaluator, sandbox and machine."""
        from importlib.metadata import version

        return {
            "compiler": f"jax {version('jax')}, jaxlib {version('jaxlib')}, numpy {version('numpy')}",
            "flags": os.environ.get("JAX_PLATFORMS", "cpu"),
            "engine": digest(),
            **machine.facts(),
        }

    def _inspected(self, candidate: Candidate) -> _Inspected:
        """Ask the process of the candidate what its rules do on probes."""
        from slotforge.core.ids import content_id
        from slotforge.solvers.optim.serve.workers import workers

        if candidate.id not in self._seen:
            reply = workers().ask(
                content_id(dict(candidate.slots)),
                {"what": "inspect", "slots": dict(candidate.slots)},
                wall_s=20 * INSPECT_S,
                cpu_s=INSPECT_S,
                memory_mb=self.memory_mb,
            )
            fine = reply.outcome == "answered"
            self._seen[candidate.id] = _Inspected.of(reply.answer) if fine else _Inspected(fault=reply.reason)
        return self._seen[candidate.id]

    @cached_property
    def _seen(self) -> dict[str, _Inspected]:
        return {}


@dataclass(frozen=True, kw_only=True)
class _Inspected:
    """What rules do on probes, as a name and as axes; or else what is wrong with them."""

    behaviour: str = ""
    traits: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> _Inspected:
        """Read the answer of the process of the candidate, which may say anything."""
        if "behaviour" not in answer:
            return cls(fault="what it said is no answer")
        told = answer.get("traits")
        shares = told.items() if isinstance(told, dict) else ()
        traits = {str(name): float(share) for name, share in shares if type(share) is float and 0 <= share <= 1}
        return cls(behaviour=str(answer["behaviour"]).encode(errors="replace").decode(), traits=traits)


def digest(*, targets: bool = True) -> str:
    """Name the evaluator by its content: with another one, costs cannot be compared.

    Args:
        targets: with what is frozen of cases, which decides what is measured, and not what comes out.
    """
    here = Path(__file__).parent
    files = (
        [here / f"{name}.py" for name in ENGINE]
        + sorted((here / "problems").glob("*.py"))
        + sorted((here / "blackbox").glob("*.py"))
        + sorted((here / "rules").rglob("*.py"))
        + [here / "targets.json"] * targets
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()[:16]


domain = Optim
