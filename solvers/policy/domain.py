"""A domain whose slot is one function in Python with NumPy: everything but the problem itself."""

from __future__ import annotations

import hashlib
import platform
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from slotforge.core import registry
from slotforge.core.errors import BuildError, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import (
    DIGEST,
    Candidate,
    Instance,
    Measurement,
    Number,
    Outcome,
    Record,
    Request,
    Slot,
    Suite,
    Terms,
)
from slotforge.solvers import machine
from slotforge.solvers.policy import builtin, instances
from slotforge.solvers.policy.families import Content

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.policy.vary import Grammar
    from slotforge.solvers.sandbox.python import Reply

OUTCOMES = {"crash": Outcome.CRASH, "timeout": Outcome.TIMEOUT, "memory": Outcome.TOO_LARGE}
DIGITS = 12  # of a digest, hexadecimal: so many a float holds to the last bit
LANGUAGE = Path(__file__).with_name("language.md")


class Judged(Record):
    """What an answer is worth.

    fault: what is wrong with it, or nothing; then the rest holds.
    cost: above 0.
    stats: counters.
    answer: what was decided, under one name for all that are the same; candidates that answer alike are duplicates.
    """

    fault: str = ""
    cost: float = 0.0
    stats: Mapping[str, float] = {}
    answer: tuple[int, ...] = ()


class Policies(ABC):
    """See `core.seams.Domain`. The folder of the subclass has `families/`, `policies/`, `run.py` and `solver.md`.

    slot: its name, and that of the function that a policy defines.
    per_family: instances to draw of each family.
    cpu_s, memory_mb: what a policy may use on one instance.
    axes: counters that say what a candidate does, each with the value that counts as 1.
    usage: how to use what is exported, in one sentence.
    """

    name: str
    terms: Terms
    slot: ClassVar[str]
    per_family: ClassVar[int] = 20
    cpu_s: ClassVar[float] = 10.0
    memory_mb: ClassVar[int] = 1024
    axes: ClassVar[Mapping[str, float]] = {}
    usage: ClassVar[str]

    @property
    @abstractmethod
    def host(self) -> Callable[..., Any]:
        """The function that applies a policy, the first argument; it stands alone in a module with `answer`.

        `answer(ask)` runs in the sandbox: it applies the policy of the text `source` to an instance, and returns JSON.
        """

    @property
    @abstractmethod
    def grammar(self) -> Grammar:
        """What a variation may build policies of."""

    @abstractmethod
    def judge(self, content: Content, answer: Mapping[str, Any]) -> Judged:
        """Check an answer, of which nothing can be relied on, and say what it costs."""

    def slots(self) -> Mapping[str, Slot]:
        """Read the slot from its folder."""
        return {self.slot: builtin.slot(self._folder / "policies", self.slot)}

    def describe(self, families: Sequence[str]) -> str:
        """Give the text that prompts show: the problem, what a policy may be made of, and what the families are."""
        from slotforge.solvers.policy.words import BUILTINS, NUMPY

        texts = [path.read_text(encoding="utf-8").strip() for path in (self._folder / "solver.md", LANGUAGE)]
        functions = f"Functions of np: {', '.join(sorted(NUMPY))}. Of Python: {', '.join(sorted(BUILTINS))}."
        known = registry.names(self._families)
        told = [f"- `{spec}`: {known.get(spec, spec).partition(';')[0].rstrip('.')}." for spec in families]
        return "\n\n".join(
            [*texts, functions, *(["The instances of this search:\n" + "\n".join(told)] if told else [])]
        )

    def searched(self, specs: Sequence[str]) -> Sequence[str]:
        """Search over the one slot that there is; raises UsageError for specs that are none to search on."""
        instances.check(self._families, specs)
        return (self.slot,)

    def start(self, slots: Sequence[str]) -> Candidate:  # noqa: ARG002
        """Begin from the default policy."""
        return Candidate(domain=self.name)

    def suite(self, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
        """Draw instances of the families.

        Args:
            specs: names of families; for a verdict also NAME:test, its published test set.
            seed: of the draws.
            options: `per_family`; `holdout_only` to put all into one split.

        Raises:
            UsageError: a spec names nothing, or twins are asked for, which there are only of formulas.
        """
        if options.get("twins"):
            raise UsageError("twins are made of formulas alone: give another --seed for fresh instances")
        gather = instances.holdout if options.get("holdout_only") else instances.collect
        return gather(self._families, specs, seed=seed, per_family=int(options.get("per_family", self.per_family)))

    def check(self, candidate: Candidate) -> str | None:
        """Check the source against the allow list."""
        from slotforge.solvers.policy.hygiene import check

        for slot, source in candidate.slots.items():
            if slot != self.slot:
                return f"no slot called '{slot}': choose {self.slot}"
            if fault := check(source, self.slot, self._arguments):
                return f"{slot}: {fault}"
        return None

    def key(self, candidate: Candidate) -> str:
        """Return the syntax tree without names, layout and comments; the default counts as not replaced."""
        from slotforge.solvers.policy.source import key

        own = key(self._source(candidate))
        return "" if own == key(self._default) else own

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Vary expressions."""
        from slotforge.solvers.policy.vary import vary

        return vary(request, self.slots(), self.grammar, rng)

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Read the constants that have a range."""
        from slotforge.solvers.policy.numbers import numbers

        return {f"{self.slot}.{name}": number for name, number in numbers(self._source(candidate)).items()}

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:
        """Write the constants that have a range; raises UsageError for a number that there is not."""
        from slotforge.solvers.policy.numbers import with_numbers

        source = self._source(candidate)
        new = with_numbers(source, {name.removeprefix(f"{self.slot}."): value for name, value in values.items()})
        return candidate if new == source else candidate.with_slots({self.slot: new})

    def behaviour(
        self,
        candidate: Candidate,  # noqa: ARG002
        measurements: Sequence[Measurement],
        reference: Sequence[Measurement],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Average the counters that say what a policy does."""
        told = {name: [m.stats[name] for m in measurements if name in m.stats] for name in self.axes}
        shares = {name: sum(values) / len(values) / self.axes[name] for name, values in told.items() if values}
        return {name: min(1.0, max(0.0, share)) for name, share in shares.items()}

    def build(self, candidate: Candidate) -> Mapping[str, str]:  # noqa: ARG002
        """Nothing is built ahead: a policy is compiled in its own process."""
        return {}

    def measure(
        self,
        candidate: Candidate,
        instance: Instance,
        *,
        seed: int,
        limit: float | None,
        prove: bool,  # noqa: ARG002
        fused: bool,
    ) -> Measurement:
        """Apply the policy to one instance in the sandbox, and check its answer; raises BuildError if it is unfit."""
        content = instances.read(instance)
        reply = self.apply(candidate, content)
        facts: dict[str, Any] = {
            "candidate": candidate.id,
            "instance": instance.id,
            "family": instance.family,
            "seed": seed,
            "cpu_s": reply.cpu_s,
            "sandbox_level": reply.sandbox_level,
            "build": "verdict" if fused else "search",
        }
        if reply.outcome == "refused":
            raise BuildError(reply.reason)
        if reply.outcome != "answered":
            return Measurement(**facts, outcome=OUTCOMES[reply.outcome], cost=limit or 1.0, reason=reply.reason)
        judged = self.judge(content, reply.answer)
        if judged.fault:
            return Measurement(**facts, outcome=Outcome.WRONG, cost=limit or 1.0, reason=judged.fault)
        stats = {**judged.stats, DIGEST: float(int(content_id(judged.answer, length=DIGITS), 16))}
        if limit is not None and judged.cost > limit:
            return Measurement(**facts, outcome=Outcome.LIMIT, cost=limit, stats=stats)
        facts |= {"answer": "valid", "evidence": "model", "stats": stats}
        return Measurement(**facts, outcome=Outcome.SOLVED, cost=judged.cost)

    def apply(self, candidate: Candidate, content: Content) -> Reply:
        """Let the policy of a candidate solve an instance in the sandbox; what it answers is for `judge`."""
        from slotforge.solvers.sandbox.python import pool

        processes = pool(f"{self.host.__module__}:answer", cpu_s=self.cpu_s, memory_mb=self.memory_mb)
        return processes.ask(candidate.id, {**content, "source": self._source(candidate)})

    def export(self, candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
        """Write a module that needs slotforge no more."""
        from slotforge.solvers.policy.export import export

        own = {"source": self._source(candidate), "host": self.host, "usage": self.usage}
        return export(candidate, kind, out, provenance, **own)  # type: ignore[arg-type]

    def environment(self) -> Mapping[str, str]:
        """Describe Python and NumPy, what applies policies, sandbox and machine."""
        named = [self._folder / "domain.py", self._folder / "run.py", LANGUAGE.with_name("source.py")]
        files = [*named, *sorted(self._folder.glob("families/*.py"))]
        return {
            "compiler": f"python {platform.python_version()}, numpy {version('numpy')}",
            "flags": "",
            "engine": hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16],
            **machine.facts(),
        }

    def _source(self, candidate: Candidate) -> str:
        return candidate.slots.get(self.slot, self._default)

    @property
    def _default(self) -> str:
        return self.slots()[self.slot].default

    @property
    def _arguments(self) -> Sequence[str]:
        return builtin.arguments_of(self._default, self.slot)

    @cached_property
    def _folder(self) -> Path:
        return Path(str(sys.modules[type(self).__module__].__file__)).parent

    @property
    def _families(self) -> str:
        return f"{type(self).__module__.rpartition('.')[0]}.families"
