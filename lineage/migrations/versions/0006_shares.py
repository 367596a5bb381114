"""What operators and models have brought, and the steps of curves, filled from what is there"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCORED = "('scored', 'confirmed')"


def _cut(name: str) -> str:
    bounds = f"WHEN {name} > 1e300 THEN 1e300 WHEN {name} < -1e300 THEN -1e300"
    return f"CASE {bounds} ELSE CAST({name} AS DOUBLE PRECISION) END"


def _filled(name: str, join: str) -> str:
    """Group trials by operator or by model, each with what its answers cost."""
    parts = "run, number, model" if name == "model" else "run, number"
    tokens = "CAST(input_tokens AS DOUBLE PRECISION) + CAST(output_tokens AS DOUBLE PRECISION)"
    return f"""
INSERT INTO {name}_share (run, {name}, trials, scored, ratio, calls, tokens, usd)
SELECT t.run, {name}, count(*), sum(CASE WHEN t.state IN {SCORED} THEN 1 ELSE 0 END),
       min(CASE WHEN t.state IN {SCORED} THEN t.ratio END),
       coalesce(sum(p.calls), 0), coalesce(sum(p.tokens), 0), coalesce(sum(p.usd), 0)
FROM trial t {join} (
    SELECT {parts}, count(*) AS calls, sum({tokens}) AS tokens, sum({_cut("usd")}) AS usd
    FROM completion GROUP BY {parts}
) AS p ON p.run = t.run AND p.number = t.number
WHERE t.number > 0 GROUP BY t.run, {name}
"""


STEPS = f"""
INSERT INTO step (run, number, ratio)
SELECT run, number, ratio FROM (
    SELECT run, number, ratio,
           min(ratio) OVER (PARTITION BY run ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS least
    FROM trial WHERE number >= 0 AND state IN {SCORED} AND ratio IS NOT NULL
) AS placed WHERE least IS NULL OR ratio < least
"""


def upgrade() -> None:
    """Make the tables, and fill them."""
    for name in ("operator", "model"):
        _make_share(name)
    op.create_table(
        "step",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_step_run")),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_step")),
        sqlite_with_rowid=False,
    )
    for statement in (_filled("operator", "LEFT JOIN"), _filled("model", "JOIN"), STEPS):
        op.get_bind().execute(sa.text(statement))


def _make_share(name: str) -> None:
    """Make a table, with its key first: elsewhere the integrity check of SQLite 3.40 takes other columns for NULL."""
    op.create_table(
        f"{name}_share",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column(name, sa.Text(), nullable=False),
        sa.Column("trials", sa.BigInteger(), nullable=False),
        sa.Column("scored", sa.BigInteger(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f(f"fk_{name}_share_run")),
        sa.PrimaryKeyConstraint("run", name, name=op.f(f"pk_{name}_share")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("step", "model_share", "operator_share"):
        op.drop_table(table)
