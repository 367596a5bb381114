"""Between the records of `core.types` and the rows of the tables.

A record becomes a list of (kind of row, row); kinds are written in the order of `KINDS`, so that whatever a row points
to comes before it. Rows that are named by their content are written once.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Executable, Insert, RowMapping, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql

from slotforge.core import types as core
from slotforge.core.ids import content_id, text_id
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact, packed
from slotforge.lineage.known import known
from slotforge.lineage.prepared import Insertion, insert_into, prepared

Record = TypeVar("Record", bound=core.Record)
Belonging = TypeVar("Belonging", schema.Parent, schema.CompileLog, schema.Measurement, schema.Selection)
Row = dict[str, Any]
Rows = list[tuple[str, Row]]

KINDS = (
    "environment", "instance", "prompt", "source", "candidate", "candidate_slot", "run", "suite",
    "call", "trial", "completion", "parent", "compile_log", "measurement", "selection", "interim",
    "verdict_measurement", "prompt_search", "prompt_variant", "prompt_completion", "prompt_sampled", "prompt_sample",
)  # fmt: skip
SHARED = {
    "environment": ("id",),
    "instance": ("key",),
    "prompt": ("id",),
    "source": ("id",),
    "candidate": ("id",),
    "candidate_slot": ("candidate", "slot"),
    "prompt_search": ("id",),
    "prompt_variant": ("id",),
}  # kinds named by their content, and the fields that do so: whoever comes first writes the row
FILLING = ("selection", "interim")
IDS = bindparam("ids", type_=Exact(), expanding=True)
LIST = bindparam("ids", type_=postgresql.ARRAY(Exact()))  # one value, whatever its length


@cache
def insertions(dialect: str) -> Mapping[str, Insertion]:
    """Make the statement that writes each kind of row, but for "completion".

    A "call" takes the next free position in its trial; the "selection" of a trial, and what is "interim", fill
    positions that are still free.
    """
    call = schema.Completion
    taken = select(func.count()).where(call.run == bindparam("of_run"), call.number == bindparam("of_number"))
    statements = {"call": insert_into(dialect, call).values(position=taken.scalar_subquery())}
    tables = {mapper.class_.__tablename__: mapper.class_ for mapper in schema.Base.registry.mappers}
    for kind in KINDS:
        if kind not in ("call", "completion"):
            statement = insert_into(dialect, tables[kind])
            statements[kind] = statement.on_conflict_do_nothing() if kind in (*SHARED, *FILLING) else statement
    return {kind: Insertion(statement) for kind, statement in statements.items()}


@cache
def completions(dialect: str) -> Insert:
    """Make the statement that fills free positions of trials, and returns what it wrote, as far as it is summed up."""
    row = schema.Completion
    summed = (row.run, row.number, row.model, row.input_tokens, row.output_tokens, row.usd, row.latency_s)
    made: Insert = insert_into(dialect, row).on_conflict_do_nothing().returning(*summed)
    return made


def of_run(run: str, config: core.RunConfig, suite: core.Suite, environment: Mapping[str, str]) -> Rows:
    """Write down a new run, less what only the store knows."""
    kind, where = of_environment(environment)
    row = {
        "id": run,
        "domain": config.domain,
        "config": config.model_dump(mode="json"),
        "environment": where["id"],
        "warnings": list(suite.warnings),
    }
    rows: Rows = [(kind, where), ("run", row)]
    for split in core.Split:
        for position, instance in enumerate(getattr(suite, split)):
            fields = instance.model_dump()
            key = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]
            rows.append(("instance", {"key": key, **fields}))
            rows.append(("suite", {"run": run, "split": split.value, "position": position, "instance": key}))
    return rows


def of_environment(facts: Mapping[str, str]) -> tuple[str, Row]:
    """Write down what results depend on."""
    return "environment", {"id": content_id(dict(facts)), "facts": dict(facts)}


def of_candidate(candidate: core.Candidate) -> Rows:
    """Write down a candidate with its sources."""
    rows: Rows = [("candidate", {"id": candidate.id, "domain": candidate.domain})]
    for slot, text in candidate.slots.items():
        source = text_id(text, length=32)
        rows.append(("source", {"id": source, "text": text}))
        rows.append(("candidate_slot", {"candidate": candidate.id, "slot": slot, "source": source}))
    return rows


def of_call(run: str, number: int, call: core.Call) -> Rows:
    """Write down an exchange that comes after those already kept for its trial."""
    return [prompt_row(call.prompt), ("call", {"of_run": run, "of_number": number, **_completion(run, number, call)})]


def of_trial(trial: core.Trial, *, exchanges: bool = True) -> Rows:
    """Write down a finished trial with all that belongs to it; its exchanges may be written already."""
    key = {"run": trial.run, "number": trial.number}
    rows: Rows = of_candidate(trial.candidate) if trial.candidate else []
    row = {
        **key,
        "operator": trial.operator,
        "slots": list(trial.slots),
        "state": trial.state.value,
        "candidate": trial.candidate.id if trial.candidate else None,
        "reason": trial.reason,
        "ratio": trial.ratio,
        "instances": trial.instances,
        "against": trial.against,
        "cpu_s": trial.cpu_s,
    }
    rows.append(("trial", row))
    for position, candidate in enumerate(trial.parents):
        rows.append(("parent", {**key, "position": position, "candidate": candidate}))
    for position, call in enumerate(trial.calls if exchanges else ()):
        rows.append(prompt_row(call.prompt))
        rows.append(("completion", {**_completion(trial.run, trial.number, call), "position": position}))
    for position, (slot, text) in enumerate(trial.log.items()):
        rows.append(("compile_log", {**key, "position": position, "slot": slot, "text": text}))
    rows += measured("measurement", key, trial.measurements)
    return rows + measured("selection", key, trial.selection)


def measured(kind: str, key: Row, measurements: Iterable[core.Measurement]) -> Rows:
    """Write down measurements, in their order, for one of the tables that hold some."""
    return [
        (kind, {**key, "position": position, **_measurement(measurement)})
        for position, measurement in enumerate(measurements)
    ]


def _measurement(m: core.Measurement) -> Row:
    return vars(m) | {"outcome": m.outcome.value, "stats": dict(m.stats)}


def prompt_row(prompt: core.Prompt) -> tuple[str, Row]:
    """Write down a question, compressed where it is handed in.

    Compression gives Python's lock away: here that lets the thread that writes go on, there it would have to wait for
    the lock after each.
    """
    return "prompt", {"id": prompt.id, "messages": packed(prompt.text)}


def _completion(run: str, number: int, call: core.Call) -> Row:
    return {"run": run, "number": number, **exchanged(call)}


def exchanged(call: core.Call) -> Row:
    """Write down an exchange, for one of the tables that hold some."""
    return {"stage": call.stage, "operator": call.prompt.operator, "prompt": call.prompt.id, **vars(call.completion)}


def candidates(connection: Connection, ids: Iterable[str], *, domain: str | None = None) -> dict[str, core.Candidate]:
    """Read candidates with their sources, by id; those read lately are remembered, for an id is of a content.

    Args:
        domain: that all are of; None reads that of each.
    """
    wanted = sorted(set(ids))
    found = known.of(wanted)
    for chunk in _chunks([id_ for id_ in wanted if id_ not in found]):
        slots: dict[str, dict[str, str]] = defaultdict(dict)
        for candidate, name, text in sources(connection, chunk):
            slots[candidate][name] = text
        domains = _domains().rows(connection, ids=chunk) if domain is None else [(id_, domain) for id_ in chunk]
        read = {id_: core.Candidate(domain=of, slots=slots[id_]) for id_, of in domains}
        known.keep(read)
        found |= read
    return found


@prepared
def _domains() -> Executable:
    own = schema.Candidate
    return select(own.id, own.domain).where(own.id.in_(IDS))


def sources(connection: Connection, ids: list[str]) -> Iterable[tuple[str, str, str]]:
    """Read the sources of candidates: candidate, slot and text.

    PostgreSQL is told which sources before it looks for them, and plans for that many: so it reads them in the order in
    which they lie, and ahead; in a join, or by a plan for lists of any length, it takes one after the other.
    """
    if connection.dialect.name == "sqlite":
        return _sources().rows(connection, ids=ids)
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
    of = _slots().rows(connection, ids=ids)
    texts = dict(_texts().rows(connection, ids=sorted({source for *_, source in of})))
    return [(candidate, slot, texts[source]) for candidate, slot, source in of if source in texts]


@prepared
def _sources() -> Executable:
    slot, source = schema.CandidateSlot, schema.Source
    query = select(slot.candidate, slot.slot, source.text).join(source, source.id == slot.source)
    return query.where(slot.candidate.in_(IDS))


@prepared
def _slots() -> Executable:
    slot = schema.CandidateSlot
    return select(slot.candidate, slot.slot, slot.source).where(slot.candidate == any_(LIST))


@prepared
def _texts() -> Executable:
    source = schema.Source
    return select(source.id, source.text).where(source.id == any_(LIST))


def _chunks(ids: list[str], size: int = 1000) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def calls(
    connection: Connection, *where: ColumnElement[bool], of: Sequence[ColumnElement[bool]] = ()
) -> dict[tuple[str, int], list[core.Call]]:
    """Read the exchanges that fulfil conditions on `schema.Completion`, by run and number, in order.

    Args:
        of: only exchanges of trials that fulfil these conditions on `schema.Trial`.
    """
    row, prompt, trial = schema.Completion, schema.Prompt, schema.Trial
    query = select(row.__table__, prompt.messages).join(prompt, prompt.id == row.prompt).where(*where)
    if of:
        query = query.join(trial, (trial.run == row.run) & (trial.number == row.number)).where(*of)
    found: dict[tuple[str, int], list[core.Call]] = defaultdict(list)
    for fields in connection.execute(query.order_by(row.run, row.number, row.position)).mappings():
        found[fields["run"], fields["number"]].append(exchange(fields))
    return found


def exchange(fields: RowMapping) -> core.Call:
    """Read an exchange from the columns of `schema.Exchange` and the messages of its prompt."""
    return core.Call(
        stage=fields["stage"],
        prompt=core.Prompt(operator=fields["operator"], messages=json.loads(fields["messages"])),
        completion=record(core.Completion, fields),
    )


def trials(connection: Connection, *where: ColumnElement[bool]) -> list[core.Trial]:
    """Read the trials that fulfil conditions on `schema.Trial`, whole, ordered by run and number."""
    trial = schema.Trial
    of = [dict(row) for row in connection.execute(select(trial.__table__).where(*where)).mappings()]
    made = candidates(connection, (row["candidate"] for row in of if row["candidate"]))
    parents = _by_trial(connection, schema.Parent, where)
    logs = _by_trial(connection, schema.CompileLog, where)
    measurements = _by_trial(connection, schema.Measurement, where)
    selection = _by_trial(connection, schema.Selection, where)
    talks = calls(connection, of=where)
    return [
        core.Trial(
            **fields
            | {
                "candidate": made.get(fields["candidate"]),
                "parents": [edge["candidate"] for edge in parents[key]],
                "calls": talks.get(key, ()),
                "log": {log["slot"]: log["text"] for log in logs[key]},
                "measurements": [record(core.Measurement, m) for m in measurements[key]],
                "selection": [record(core.Measurement, m) for m in selection[key]],
            }
        )
        for fields in sorted(of, key=lambda row: (row["run"], row["number"]))
        for key in [(fields["run"], fields["number"])]
    ]


def _by_trial(
    connection: Connection, table: type[Belonging], where: Sequence[ColumnElement[bool]]
) -> dict[tuple[str, int], list[RowMapping]]:
    trial = schema.Trial
    query = select(table.__table__).join(trial, (trial.run == table.run) & (trial.number == table.number)).where(*where)
    found: dict[tuple[str, int], list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query.order_by(table.run, table.number, table.position)).mappings():
        found[row["run"], row["number"]].append(row)
    return found


def record(kind: type[Record], fields: Mapping[str, Any] | RowMapping) -> Record:
    """Read a record whose fields are columns of a row."""
    return kind(**{name: fields[name] for name in kind.model_fields})


def suite(connection: Connection, run: str, warnings: Sequence[str]) -> core.Suite:
    """Read the instances of a run in their splits."""
    splits: dict[str, list[core.Instance]] = {split.value: [] for split in core.Split}
    for row in _suite().mappings(connection, of=run):
        splits[row.pop("split")].append(core.Instance(**row))
    return core.Suite(**{name: tuple(found) for name, found in splits.items()}, warnings=tuple(warnings))


@prepared
def _suite() -> Executable:
    place, instance = schema.Suite, schema.Instance
    fields = (getattr(instance, name) for name in core.Instance.model_fields)
    query = select(place.split, *fields).join(instance, instance.key == place.instance)
    return query.where(place.run == bindparam("of", type_=Exact())).order_by(place.position)
