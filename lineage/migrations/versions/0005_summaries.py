"""Summaries of runs and candidates, filled from what is there"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHUNK = 10_000
FAMILY = ("candidate", "family", "domain", "slot_set", "ratio", "run")  # what is known of it from a search
BOUND = 8.0  # of a ratio, either way
SCORED = "('scored', 'confirmed')"
MARK = "\ufdd0"  # before the four digits of a character that no database takes

MAKERS = f"""
INSERT INTO maker (candidate, rank, started, run, number)
SELECT candidate, rank, started, run, number FROM (
    SELECT *, row_number() OVER (PARTITION BY candidate ORDER BY rank, started, run, number) AS place FROM (
        SELECT t.candidate, t.run, t.number, r.started,
               CASE WHEN t.state IN {SCORED} THEN 0 ELSE 2 END + CASE WHEN t.ratio IS NULL THEN 1 ELSE 0 END AS rank
        FROM trial t JOIN run r ON r.id = t.run WHERE t.candidate IS NOT NULL
    ) AS ranked
) AS placed WHERE place = 1
"""
TALLIES = "INSERT INTO tally (run, state, trials) SELECT run, state, count(*) FROM trial GROUP BY run, state"
SEARCHED = f"""
INSERT INTO standing (candidate, domain, slot_set, rank, ratio, run)
SELECT candidate, domain, slot_set, 1, ratio, run FROM (
    SELECT t.candidate, o.domain, o.slot_set, t.ratio, t.run,
           row_number() OVER (PARTITION BY t.candidate ORDER BY t.ratio, t.run) AS place
    FROM trial t JOIN slots_of o ON o.candidate = t.candidate
    WHERE t.state IN {SCORED} AND t.ratio IS NOT NULL
) AS placed WHERE place = 1
"""
FAMILY_SEARCHED = """
INSERT INTO family_standing (candidate, family, domain, slot_set, rank, ratio, run)
VALUES (:candidate, :family, :domain, :slot_set, 1, :ratio, :run) ON CONFLICT (candidate, family)
DO UPDATE SET ratio = excluded.ratio, run = excluded.run
WHERE (excluded.ratio, excluded.run) < (family_standing.ratio, family_standing.run)
"""
JUDGED = """
SELECT v.id, v.candidate, v.run, o.domain, o.slot_set, f.family, f.ratio, f.low, f.high, f.outcome
FROM verdict v JOIN verdict_family f ON f.verdict = v.id JOIN slots_of o ON o.candidate = v.candidate
JOIN candidate c ON c.id = v.candidate JOIN candidate a ON a.id = v.against AND a.domain = c.domain
WHERE NOT EXISTS (SELECT 1 FROM candidate_slot s WHERE s.candidate = v.against)
ORDER BY v.id, CASE WHEN f.family IS NULL THEN 0 ELSE 1 END
"""
MEASURED = f"""
SELECT t.number, t.candidate, o.domain, o.slot_set, m.family, m.instance, m.seed, m.cost, m.outcome
FROM trial t JOIN slots_of o ON o.candidate = t.candidate JOIN measurement m ON m.run = t.run AND m.number = t.number
WHERE t.run = :run AND t.state IN {SCORED} AND m.cost > 0 ORDER BY t.number
"""
BASELINE = "SELECT instance, seed, cost, outcome FROM measurement WHERE run = :run AND number = 0 AND cost > 0"


def upgrade() -> None:
    """Make the tables, and fill them."""
    op.create_table(
        "slot_set",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("slots", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_set")),
    )
    op.create_index(op.f("ix_slot_set_domain"), "slot_set", ["domain"])
    op.create_table(
        "tally",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trials", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_tally_run")),
        sa.PrimaryKeyConstraint("run", "state", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_total",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("trials", sa.BigInteger(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.Double(), nullable=False),
        sa.Column("output_tokens", sa.Double(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("latency_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_run_total_run")),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_run_total")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "maker",
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f("fk_maker_candidate")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_maker_run")),
        sa.PrimaryKeyConstraint("candidate", name=op.f("pk_maker")),
        sqlite_with_rowid=False,
    )
    _make_standing("standing", ())
    _make_standing("family_standing", ("family",))
    op.drop_index(op.f("ix_trial_ratio"), "trial")
    op.create_index(op.f("ix_trial_run_state_number_ratio"), "trial", ["run", "state", "number", "ratio"])
    _fill(op.get_bind())


def _make_standing(table: str, more: Sequence[str]) -> None:
    op.create_table(
        table,
        sa.Column("candidate", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in more),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("slot_set", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f(f"fk_{table}_candidate")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f(f"fk_{table}_run")),
        sa.ForeignKeyConstraint(["slot_set"], ["slot_set.id"], name=op.f(f"fk_{table}_slot_set")),
        sa.PrimaryKeyConstraint("candidate", *more, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )
    for first in ("domain", "slot_set"):
        columns = [*more, first, "rank", "ratio", "candidate"]
        op.create_index(op.f("_".join(["ix", table, *columns])), table, columns)


def _fill(connection: sa.Connection) -> None:
    columns = "candidate TEXT PRIMARY KEY, domain TEXT NOT NULL, slot_set TEXT NOT NULL"
    connection.execute(sa.text(f"CREATE TEMPORARY TABLE slots_of ({columns})"))
    _fill_slot_sets(connection)
    for statement in (MAKERS, TALLIES, _totals(), SEARCHED):
        connection.execute(sa.text(statement))
    for run in connection.scalars(sa.text("SELECT id FROM run ORDER BY id")).all():
        _fill_families(connection, run)
    _fill_judged(connection)
    connection.execute(sa.text("DROP TABLE slots_of"))


def _totals() -> str:
    def of(table: str, *names: str) -> str:
        sums = ", ".join(f"sum({_cut(name)}) AS {name}" for name in names)
        return f"SELECT run, count(*) AS calls, {sums} FROM {table} GROUP BY run"

    searched = f"""SELECT run, count(*) AS trials, min(CASE WHEN state IN {SCORED} THEN ratio END) AS ratio
        FROM trial WHERE number > 0 GROUP BY run"""
    spent = ("input_tokens", "output_tokens", "usd", "latency_s")
    return f"""
INSERT INTO run_total (run, trials, ratio, cpu_s, calls, {", ".join(spent)})
SELECT r.id, coalesce(s.trials, 0), s.ratio, coalesce(t.cpu_s, 0), coalesce(c.calls, 0),
       {", ".join(f"coalesce(c.{name}, 0)" for name in spent)}
FROM run r LEFT JOIN ({of("trial", "cpu_s")}) AS t ON t.run = r.id LEFT JOIN ({searched}) AS s ON s.run = r.id
LEFT JOIN ({of("completion", *spent)}) AS c ON c.run = r.id WHERE t.run IS NOT NULL OR c.run IS NOT NULL
"""


def _cut(name: str) -> str:
    bounds = f"WHEN {name} > 1e300 THEN 1e300 WHEN {name} < -1e300 THEN -1e300"
    return f"CASE {bounds} ELSE CAST({name} AS DOUBLE PRECISION) END"


def _fill_slot_sets(connection: sa.Connection) -> None:
    known: set[str] = set()
    make = sa.text("INSERT INTO slot_set (id, domain, slots) VALUES (:id, :domain, :slots)")
    keep = sa.text("INSERT INTO slots_of (candidate, domain, slot_set) VALUES (:candidate, :domain, :slot_set)")
    query = """SELECT c.id, c.domain, s.slot FROM candidate c LEFT JOIN candidate_slot s ON s.candidate = c.id
        ORDER BY c.id"""
    waiting = []
    for (candidate, domain), rows in groupby(_stream(connection, query), lambda row: (row[0], row[1])):
        slots = sorted(_plain(row[2]) for row in rows if row[2] is not None)
        id_ = _content_id({"domain": _plain(domain), "slots": slots})
        if id_ not in known:
            known.add(id_)
            told = json.dumps(slots, separators=(",", ":"))
            connection.execute(make, {"id": id_, "domain": domain, "slots": told})
        if slots:
            waiting.append({"candidate": candidate, "domain": domain, "slot_set": id_})
        if len(waiting) == CHUNK:
            connection.execute(keep, waiting)
            waiting = []
    if waiting:
        connection.execute(keep, waiting)


def _fill_families(connection: sa.Connection, run: str) -> None:
    """Take the geometric mean, by family, of what runs count as over those of the baseline."""
    charges: dict[tuple[str, int], list[float]] = defaultdict(list)
    for instance, seed, cost, outcome in connection.execute(sa.text(BASELINE), {"run": run}):
        charges[instance, seed].append(_charge(cost, outcome))
    if not charges:
        return
    found = []
    for (_, candidate, *of), rows in groupby(_stream(connection, MEASURED, run=run), lambda row: row[:4]):
        logs: dict[str, list[float]] = defaultdict(list)
        for *_, family, instance, seed, cost, outcome in rows:
            own = _charge(cost, outcome)
            for base in charges.get((instance, seed), ()):
                if own < math.inf and base < math.inf:
                    logs[family].append(math.log(min(max(own / base, 1 / BOUND), BOUND)))
        for family, found_logs in logs.items():
            ratio = math.exp(math.fsum(found_logs) / len(found_logs))
            found.append(dict(zip(FAMILY, (candidate, family, *of, ratio, run), strict=True)))
    for start in range(0, len(found), CHUNK):
        connection.execute(sa.text(FAMILY_SEARCHED), found[start : start + CHUNK])


def _charge(cost: float, outcome: str) -> float:
    return cost * (2 if outcome == "limit" else 1)


def _fill_judged(connection: sa.Connection) -> None:
    """Let candidates stand by their newest verdict; one on a family alone has its figures over all."""
    for row in connection.execute(sa.text(JUDGED)).mappings().all():
        key = {"candidate": row["candidate"]}
        fields = {name: row[name] for name in ("domain", "slot_set", "ratio", "low", "high", "run")}
        fields |= {"rank": 0 if row["outcome"] == "better" else 1, "verdict": row["id"]}
        families = [row["family"]]
        if row["family"] is None:
            _replace(connection, "standing", key, fields)
            measured = sa.text("SELECT DISTINCT family FROM verdict_measurement WHERE verdict = :id")
            families = list(connection.scalars(measured, {"id": row["id"]}))
        for family in families if len(families) == 1 else ():
            _replace(connection, "family_standing", {**key, "family": family}, fields)


def _replace(connection: sa.Connection, table: str, key: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    row = {**key, **fields}
    connection.execute(sa.text(f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = :{name}' for name in key)}"), key)
    names = ", ".join(row)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)


def _stream(connection: sa.Connection, query: str, **values: Any) -> Iterator[Any]:
    yield from connection.execute(sa.text(query), values, execution_options={"yield_per": CHUNK})


def _plain(stored: str) -> str:
    """Undo what is done to characters that no database takes."""
    first, *rest = stored.split(MARK)
    return first + "".join(chr(int(part[:4], 16)) + part[4:] for part in rest)


def _content_id(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_trial_run_state_number_ratio"), "trial")
    op.create_index(op.f("ix_trial_ratio"), "trial", ["ratio"])
    for table in ("family_standing", "standing", "maker", "run_total", "tally", "slot_set"):
        op.drop_table(table)
