"""What each stretch of a run has spent, and the measurements and environments behind outcomes"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and give verdicts an environment: that of those already there is not known."""
    op.create_table(
        "session",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_session_run")),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_session")),
    )
    op.create_table(
        "selection",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *measured(),
        sa.ForeignKeyConstraint(["run", "number"], ["trial.run", "trial.number"], name=op.f("fk_selection_run_number")),
        sa.PrimaryKeyConstraint("run", "number", "position", name=op.f("pk_selection")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdict_measurement",
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        *measured(),
        sa.ForeignKeyConstraint(["verdict"], ["verdict.id"], name=op.f("fk_verdict_measurement_verdict")),
        sa.PrimaryKeyConstraint("verdict", "position", name=op.f("pk_verdict_measurement")),
        sqlite_with_rowid=False,
    )
    reference = "CONSTRAINT fk_verdict_environment REFERENCES environment (id)"
    op.execute(f"ALTER TABLE verdict ADD COLUMN environment TEXT {reference}")  # SQLite can only so, without a copy


def measured() -> list[sa.Column[Any]]:
    """Make the columns of a table that holds measurements."""
    return [
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sandbox_level", sa.Integer(), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("stats", sa.Text(), nullable=False),
    ]


def downgrade() -> None:
    """Drop them."""
    op.drop_column("verdict", "environment")
    for table in ("verdict_measurement", "selection", "session"):
        op.drop_table(table)
