"""The tables: everything that was tried, across runs.

Texts that repeat (environments, prompts, sources, candidates, instances) are named by their content and kept once.
What belongs to a run hangs on it by natural keys (run, number, position), so that a row says where it is from.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from slotforge.lineage.columns import Exact, Json, Packed

VERSION = "0011"  # the newest file in migrations/versions


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Exact(), int: BigInteger(), float: Double()}


class Environment(Base):
    """What results depend on: compiler, flags, engine, machine, processor, sandbox level."""

    __tablename__ = "environment"
    id: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[Any] = mapped_column(Json)


class Run(Base):
    """One search.

    driver: the process that drives it now; see `driver.py`.
    started, ended: seconds since 1970, for people only.
    """

    __tablename__ = "run"
    id: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str]
    config: Mapped[Any] = mapped_column(Json)
    environment: Mapped[str] = mapped_column(ForeignKey("environment.id"))
    warnings: Mapped[Any] = mapped_column(Json)
    state: Mapped[str]
    report: Mapped[Any | None] = mapped_column(Json)
    driver: Mapped[Any | None] = mapped_column(Json)
    started: Mapped[float]
    ended: Mapped[float | None]


class Instance(Base):
    """One benchmark item as a run saw it; key is the hash of the row, id that of the instance's content."""

    __tablename__ = "instance"
    key: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    family: Mapped[str]
    path: Mapped[str]
    status: Mapped[str | None]
    size: Mapped[str]


class Suite(Base):
    """The instances of a run in their splits."""

    __tablename__ = "suite"
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    split: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    instance: Mapped[str] = mapped_column(ForeignKey("instance.key"))


class Prompt(Base):
    """A question to a proposer, named by its messages."""

    __tablename__ = "prompt"
    id: Mapped[str] = mapped_column(primary_key=True)
    messages: Mapped[str] = mapped_column(Packed)


class Exchange:
    """The columns of every table that holds exchanges with a proposer."""

    stage: Mapped[str]
    operator: Mapped[str]
    prompt: Mapped[str] = mapped_column(ForeignKey("prompt.id"), index=True)
    model: Mapped[str]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    usd: Mapped[float]
    latency_s: Mapped[float]
    text: Mapped[str] = mapped_column(Packed)


class Completion(Exchange, Base):
    """One exchange with a proposer; it is kept as soon as it is paid for, so its trial may not exist yet."""

    __tablename__ = "completion"
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)


class Source(Base):
    """The source of a policy, named by its text."""

    __tablename__ = "source"
    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Packed)


class Candidate(Base):
    """A solver with some slots replaced, named by its content."""

    __tablename__ = "candidate"
    id: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str]


class CandidateSlot(Base):
    """The source of one slot of a candidate."""

    __tablename__ = "candidate_slot"
    __table_args__ = ({"sqlite_with_rowid": False},)
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey("source.id"))


class Trial(Base):
    """One attempt, whatever became of it; see `core.types.Trial`."""

    __tablename__ = "trial"
    __table_args__ = (Index(None, "run", "state", "number", "ratio"),)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    operator: Mapped[str]
    slots: Mapped[Any] = mapped_column(Json)
    state: Mapped[str]
    candidate: Mapped[str | None] = mapped_column(ForeignKey("candidate.id"), index=True)
    reason: Mapped[str]
    ratio: Mapped[float | None]
    instances: Mapped[int] = mapped_column(Integer)
    against: Mapped[int | None] = mapped_column(Integer)
    cpu_s: Mapped[float]


class OfTrial:
    """What a table begins with whose rows belong to a trial, in an order."""

    run: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        """Hang the rows on their trial."""
        return ForeignKeyConstraint(["run", "number"], ["trial.run", "trial.number"]), {"sqlite_with_rowid": False}


class Parent(OfTrial, Base):
    """An edge of the lineage: a trial was made from a candidate."""

    __tablename__ = "parent"
    candidate: Mapped[str]


class CompileLog(OfTrial, Base):
    """What the compiler said of one slot of a trial's candidate."""

    __tablename__ = "compile_log"
    slot: Mapped[str]
    text: Mapped[str] = mapped_column(Packed)


class Measured:
    """The columns of every table that holds measurements; see `core.types.Measurement`."""

    candidate: Mapped[str]
    instance: Mapped[str]
    family: Mapped[str]
    seed: Mapped[int]
    outcome: Mapped[str]
    cost: Mapped[float]
    cpu_s: Mapped[float]
    answer: Mapped[str]
    evidence: Mapped[str]
    reason: Mapped[str]
    sandbox_level: Mapped[int] = mapped_column(Integer)
    build: Mapped[str]
    stats: Mapped[Any] = mapped_column(Json)


class Measurement(OfTrial, Measured, Base):
    """One run of a trial's candidate on an instance of the search split."""

    __tablename__ = "measurement"


class Selection(OfTrial, Measured, Base):
    """One run of a trial's candidate, a finalist or the baseline, on an instance of the select split."""

    __tablename__ = "selection"


class Interim(Measured, Base):
    """A measurement of the choice or of a verdict of a search that is under way, until these hold it.

    key: says what was asked for; positions count the measurements of the answer.
    """

    __tablename__ = "interim"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)


class Verdict(Base):
    """A confirmation of a candidate against another; its figures are in verdict_family, its pairs in
    verdict_measurement.

    control: whether the candidate was held beside another one.
    environment: of the pairs; none where it is not known.
    """

    __tablename__ = "verdict"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run: Mapped[str | None] = mapped_column(ForeignKey("run.id"), index=True)
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), index=True)
    against: Mapped[str] = mapped_column(ForeignKey("candidate.id"))
    control: Mapped[bool]
    environment: Mapped[str | None] = mapped_column(ForeignKey("environment.id"))
    proofs: Mapped[int]
    models: Mapped[int]
    notes: Mapped[Any] = mapped_column(Json)
    at: Mapped[float]


class VerdictFamily(Base):
    """The paired comparison on one family, or over all (no family)."""

    __tablename__ = "verdict_family"
    __table_args__ = (Index(None, "verdict", "family"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    verdict: Mapped[int] = mapped_column(Integer, ForeignKey("verdict.id"))
    family: Mapped[str | None]
    ratio: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    p: Mapped[float]
    instances: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str]
    cpu_ratio: Mapped[float]


class VerdictMeasurement(Measured, Base):
    """A measurement behind a verdict; positions 2k and 2k + 1 are a pair, in the order in which they ran.

    side: "candidate" or "against".
    """

    __tablename__ = "verdict_measurement"
    __table_args__ = ({"sqlite_with_rowid": False},)
    verdict: Mapped[int] = mapped_column(Integer, ForeignKey("verdict.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    side: Mapped[str]


class Session(Base):
    """One stretch of a run: how long it took, and what calls without an answer may have cost."""

    __tablename__ = "session"
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    seconds: Mapped[float]
    tokens: Mapped[int]
    usd: Mapped[float]


class Artefact(Base):
    """Something exported from a candidate."""

    __tablename__ = "artefact"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), index=True)
    kind: Mapped[str]
    path: Mapped[str]
    at: Mapped[float]


class Event(Base):
    """Something that happened to a run; see `core.types.Event`. The k-th "started" or "resumed" began session k."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), index=True)
    kind: Mapped[str]
    facts: Mapped[Any] = mapped_column(Json)
    at: Mapped[float]


class PromptVariant(Base):
    """Texts in place of the sections of an operator's prompts, named by them; see `core.prompting.Variant`."""

    __tablename__ = "prompt_variant"
    id: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(index=True)
    sections: Mapped[Any] = mapped_column(Json)


class PromptSearch(Base):
    """One search for prompts, named by its settings.

    changed: when it was begun, or a variant was complete, last; in seconds since 1970.
    known: slot -> ids of the candidates that earlier runs had tried when it began; None until it is opened again.
    unanswered_tokens, unanswered_usd: what calls that were not answered, or not yet, may have cost; None is nothing.
    """

    __tablename__ = "prompt_search"
    id: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str]
    operator: Mapped[str]
    config: Mapped[Any] = mapped_column(Json)
    changed: Mapped[float]
    known: Mapped[Any | None] = mapped_column(Json)
    unanswered_tokens: Mapped[int | None]
    unanswered_usd: Mapped[float | None]


class PromptCompletion(Exchange, Base):
    """One exchange of a search for prompts; at position 0 a variant was written, at the others it was sampled."""

    __tablename__ = "prompt_completion"
    search: Mapped[str] = mapped_column(ForeignKey("prompt_search.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)


class PromptSampled(Base):
    """A variant that was sampled in full, and its figures; see `core.prompting.Sampled`."""

    __tablename__ = "prompt_sampled"
    search: Mapped[str] = mapped_column(ForeignKey("prompt_search.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    variant: Mapped[str] = mapped_column(ForeignKey("prompt_variant.id"), index=True)
    origin: Mapped[str]
    parents: Mapped[Any] = mapped_column(Json)
    samples: Mapped[int] = mapped_column(Integer)
    clusters: Mapped[int] = mapped_column(Integer)
    entropy: Mapped[float]
    compile_rate: Mapped[float]
    novelty: Mapped[float]
    score: Mapped[float]
    tokens: Mapped[float]
    usd: Mapped[float]


class PromptSample(Base):
    """What came of one completion of a variant; its text is in prompt_completion, one position further."""

    __tablename__ = "prompt_sample"
    __table_args__ = (
        ForeignKeyConstraint(["search", "number"], ["prompt_sampled.search", "prompt_sampled.number"]),
        {"sqlite_with_rowid": False},
    )
    search: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    slot: Mapped[str]
    reason: Mapped[str]
    cluster: Mapped[str]
    novel: Mapped[bool]
    tokens: Mapped[int]
    usd: Mapped[float]
