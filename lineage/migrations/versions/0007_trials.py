"""Which trial each trial was raced against, and what the compiler said of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give trials a column and a table: of those already there neither is known."""
    op.add_column("trial", sa.Column("against", sa.Integer(), nullable=True))
    op.create_table(
        "compile_log",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "number"], ["trial.run", "trial.number"], name=op.f("fk_compile_log_run_number")
        ),
        sa.PrimaryKeyConstraint("run", "number", "position", name=op.f("pk_compile_log")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("compile_log")
    op.drop_column("trial", "against")
