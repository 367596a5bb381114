"""What the choice and the verdicts of a search that is under way have measured so far"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "interim",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("run", "key")),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("candidate", "instance", "family")),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("cost", "cpu_s")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("answer", "evidence", "reason")),
        sa.Column("sandbox_level", sa.Integer(), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("stats", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_interim_run")),
        sa.PrimaryKeyConstraint("run", "key", "position", name=op.f("pk_interim")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("interim")
