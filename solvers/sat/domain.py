"""Heuristics of a CDCL SAT solver: twelve slots in C++, judged in ticks on CNF formulas."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import BuildError
from slotforge.core.home import home
from slotforge.core.types import Candidate, Instance, Measurement, Number, Request, Slot, Suite, Terms
from slotforge.solvers import machine

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.sat.build import Builder

LEAST_TICKS = 20_000.0  # of the reference; below it an instance only measures the start
PROOF_SAMPLE = 8  # one in so many runs of the search is proved


class Sat:
    """The SAT domain: see `core.seams.Domain`."""

    name = "sat"
    terms = Terms(
        least=LEAST_TICKS,
        next=(
            "slotforge export {candidate} --as solver --out ./my-solver",
            "slotforge solve FILE.cnf --heuristics {candidate}",
        ),
        use="slotforge solve FILE.cnf --heuristics {name}",
    )

    @property
    def memory_mb(self) -> int:
        """What the sandbox allows a run."""
        from slotforge.solvers.sat.measure import MEMORY_MB

        return MEMORY_MB

    @cached_property
    def builder(self) -> Builder:
        """The compiler's face, with its cache."""
        from slotforge.solvers.sat.build import Builder

        return Builder(home() / "builds", allow_unsafe=machine.unsafe_allowed())

    def slots(self) -> Mapping[str, Slot]:
        """Read the slots from their headers."""
        from slotforge.solvers.sat.slot import slots

        return slots()

    def describe(self, families: Sequence[str]) -> str:  # noqa: ARG002
        """Give the text that prompts show: the solver, the language, and what a policy sees."""
        from slotforge.solvers.sat.describe import text

        return text()

    def searched(self, specs: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """All of them make sense on any formula."""
        return tuple(self.slots())

    def start(self, slots: Sequence[str]) -> Candidate:  # noqa: ARG002
        """Begin from the solver as it ships."""
        return Candidate(domain=self.name)

    def suite(self, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
        """Collect and split.

        Args:
            specs: see `instances.collect`.
            seed: of generated instances.
            options: `per_family`; `holdout_only` to put all into one split; `twins` to shuffle each instance.
        """
        from slotforge.solvers.sat import instances

        gather = instances.single_split if options.get("holdout_only") else instances.collect
        suite = gather(specs, seed=seed, per_family=int(options.get("per_family", 40)))
        return instances.twins(suite) if options.get("twins") else suite

    def check(self, candidate: Candidate) -> str | None:
        """Check each slot's source against the allow list."""
        from slotforge.solvers.sat.hygiene import check

        for slot, source in candidate.slots.items():
            if fault := check(slot, source):
                return f"{slot}: {fault}"
        return None

    def key(self, candidate: Candidate) -> str:
        """Put together the sources without comments and layout; a slot at its default counts as not replaced."""
        from slotforge.solvers.sat.source import duplicate_key

        defaults = {name: duplicate_key(slot.default) for name, slot in self.slots().items()}
        keys = {slot: duplicate_key(source) for slot, source in candidate.slots.items()}
        return "\n".join(f"{slot}: {key}" for slot, key in sorted(keys.items()) if key != defaults[slot])

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Vary syntax trees."""
        from slotforge.solvers.sat.vary import vary

        return vary(request, self.slots(), rng)

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Read the SLOT_PARAMs of all slots."""
        from slotforge.solvers.sat.numbers import numbers

        return numbers(candidate, self.slots())

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:
        """Write new defaults into the SLOT_PARAMs: the sources stand for themselves, and nothing is compiled anew."""
        from slotforge.solvers.sat.numbers import with_numbers

        return with_numbers(candidate, values, self.slots())

    def behaviour(
        self,
        candidate: Candidate,  # noqa: ARG002
        measurements: Sequence[Measurement],
        reference: Sequence[Measurement],
    ) -> Mapping[str, float]:
        """Compare restarts, glue, trail and ticks per conflict."""
        from slotforge.solvers.sat.behaviour import axes

        return axes(measurements, reference)

    def build(self, candidate: Candidate) -> Mapping[str, str]:
        """Compile each slot's source into the cache; of built-in policies, which are there, there is nothing to say."""
        said: dict[str, str] = {}
        for slot, source in candidate.slots.items():
            try:
                said[slot] = self.builder.log(slot, source)
            except BuildError as error:
                raise BuildError(str(error), log=_spoken({**said, **error.log})) from None
        return _spoken(said)

    def code(self, candidate: Candidate) -> str:
        """Compile each slot's source, and name its object code and its numbers; a slot that does what its default does
        counts as not replaced.
        """
        slots = self.slots()
        own = {slot: self.builder.code(slot, source) for slot, source in candidate.slots.items()}
        changed = (slot for slot, code in own.items() if code != self.builder.code(slot, slots[slot].default))
        return "\n".join(f"{slot}: {own[slot]}" for slot in sorted(changed))

    def measure(
        self, candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
    ) -> Measurement:
        """Solve one instance; in the search one run in PROOF_SAMPLE, chosen by content, must be proved as well."""
        from slotforge.solvers.sat import measure
        from slotforge.solvers.sat.build import engine

        sampled = int(hashlib.sha256(f"{candidate.id} {instance.id}".encode()).hexdigest(), 16) % PROOF_SAMPLE == 0
        if fused:
            program, arguments = self.builder.fused(candidate.slots), self.builder.parameter_arguments(candidate.slots)
        else:
            program, arguments = engine(), self.builder.engine_arguments(candidate.slots)
        return measure.run(
            program,
            arguments,
            [self.builder.cache],
            candidate.id,
            instance,
            seed=seed,
            limit=limit,
            prove=prove or sampled,
            build="fused" if fused else "plugin",
            slots=candidate.slots,
            allow_unsafe=machine.unsafe_allowed(),
        )

    def export(self, candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
        """Write a header, a solver or a Python module."""
        from slotforge.solvers.sat.export import export

        return export(candidate, kind, out, provenance, self.builder)

    def environment(self) -> Mapping[str, str]:
        """Describe compiler and flags, engine, sandbox, machine and its processor."""
        from slotforge.solvers.sat.build import engine_hash

        return {
            "compiler": self.builder.compiler.version,
            "flags": f"plugin: {shlex.join(self.builder.plugin_flags)}; fused: {shlex.join(self.builder.fused_flags)}",
            "engine": engine_hash(),
            **machine.facts(),
        }


def _spoken(said: Mapping[str, str]) -> dict[str, str]:
    return {slot: text for slot, text in said.items() if text}


domain = Sat
