"""The runs of two candidates on the same instances with the same seeds, wherever they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from slotforge.core.comparison import Pair
from slotforge.core.types import Measurement, Record
from slotforge.lineage import schema
from slotforge.lineage.reads.measured import Split, names
from slotforge.lineage.reads.places import Place, at
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED

LOOK_THROUGH = 20  # verdicts, and trials, of each candidate: the newest, and the largest
FIELDS = tuple(name for name in Measurement.model_fields if name != "stats")

Key = tuple[str, int, str]  # instance, seed, build
Runs = dict[Key, Measurement]
Groups = Mapping[object, Mapping[str, Runs]]  # by verdict or run of the search, then by candidate


class Paired(Record):
    """A pair of runs. split: where the instance is from; name: of the instance."""

    pair: Pair
    split: Split
    name: str


class Common(Record):
    """What two candidates have in common. cut: whether there may be more, that was not looked through."""

    pairs: tuple[Paired, ...]
    cut: bool


def common(store: SqlStore, a: str, b: str, *, most: int) -> Common:
    """Pair the runs of two candidates, given their whole ids.

    An instance counts once for each seed: as verdicts measured it, else as a search chose on it, else as it scored on
    it; of these, runs that were made in the same verdict, or at least in the same run, come first.

    Args:
        most: pairs at most.
    """
    with store.reading() as connection:
        verdicts, more_verdicts = _verdicts(connection, a, b)
        trials, more_trials = _trials(connection, a, b)
        measurement, selection = schema.Measurement, schema.Selection
        groups = {
            Split.UNSEEN: _judged(connection, a, b, verdicts),
            Split.SELECT: _tried(connection, selection, trials),
            Split.SEARCH: _tried(connection, measurement, trials),
        }
        found: dict[tuple[str, int], tuple[Pair, Split]] = {}
        for split, of in groups.items():
            for own, other in _sides(of, a, b):
                for key in own.keys() & other.keys():
                    found.setdefault(key[:2], (Pair(candidate=own[key], against=other[key]), split))
        ordered = sorted(found.items(), key=lambda item: (item[1][0].against.family, item[0]))[:most]
        called = names(connection, sorted({run for run, _ in trials}), {instance for (instance, _), _ in ordered})
    pairs = (
        Paired(pair=pair, split=split, name=called.get(instance, instance)) for (instance, _), (pair, split) in ordered
    )
    return Common(pairs=tuple(pairs), cut=more_verdicts or more_trials or len(found) > most)


def _sides(groups: Groups, a: str, b: str) -> Iterator[tuple[Runs, Runs]]:
    """Yield the runs of both that were made together, and then all of them."""
    together: dict[str, Runs] = {a: {}, b: {}}
    for group in groups.values():
        yield group.get(a, {}), group.get(b, {})
        for one, runs in group.items():
            together[one] = runs | together[one]
    yield together[a], together[b]


def _verdicts(connection: Connection, a: str, b: str) -> tuple[list[int], bool]:
    """List the verdicts on either: those that hold one against the other first, then the newest."""
    row = schema.Verdict
    both: ColumnElement[bool] = row.candidate.in_((a, b)) & row.against.in_((a, b))
    found: list[int] = []
    more = False
    for where in (both, row.candidate == a, row.candidate == b):
        query = select(row.id).where(where).order_by(row.id.desc()).limit(LOOK_THROUGH + 1)
        newest = connection.scalars(query).all()
        found += newest[:LOOK_THROUGH]
        more |= len(newest) > LOOK_THROUGH
    return list(dict.fromkeys(found)), more


def _judged(connection: Connection, a: str, b: str, verdicts: Sequence[int]) -> Groups:
    row = schema.VerdictMeasurement
    ours = select(*_columns(row), row.verdict).where(row.verdict.in_(verdicts), row.candidate.in_((a, b)))
    groups: dict[object, dict[str, Runs]] = {verdict: {} for verdict in verdicts}
    _sort(groups, "verdict", connection.execute(ours).mappings())
    return groups


def _trials(connection: Connection, a: str, b: str) -> tuple[list[Place], bool]:
    """List the trials of both: those of the one that was tried less, and of the other one those in the same runs."""
    row = schema.Trial
    largest = select(row.run, row.number).order_by(row.instances.desc(), row.run, row.number).limit(LOOK_THROUGH + 1)

    def of(candidate: str, *where: ColumnElement[bool]) -> list[Place]:
        query = largest.where(row.candidate == candidate, row.state.in_(SCORED), *where)
        return [(run, number) for run, number in connection.execute(query)]

    own, other = of(a), of(b)
    (_, few), (more, many) = sorted(((a, own), (b, other)), key=lambda pair: len(pair[1]))
    runs = {run for run, _ in few}
    if len(many) > LOOK_THROUGH and runs:
        many = of(more, row.run.in_(runs)) or many
    found = [*few[:LOOK_THROUGH], *many[:LOOK_THROUGH]]
    return list(dict.fromkeys(found)), max(len(few), len(many)) > LOOK_THROUGH


def _tried(connection: Connection, table: Any, trials: Sequence[Place]) -> Groups:
    query = select(*_columns(table), table.run).where(at(table, trials))
    groups: dict[object, dict[str, Runs]] = {run: {} for run, _ in trials}
    _sort(groups, "run", connection.execute(query).mappings())
    return groups


def _columns(table: Any) -> list[Any]:
    return [getattr(table, name) for name in FIELDS]


def _sort(groups: dict[object, dict[str, Runs]], group: str, found: Iterable[RowMapping]) -> None:
    """Put measurements into their groups, by candidate and by what tells runs apart."""
    for fields in found:
        run = Measurement(**{name: fields[name] for name in FIELDS})
        groups[fields[group]].setdefault(run.candidate, {}).setdefault((run.instance, run.seed, run.build), run)
