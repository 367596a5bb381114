"""Which trial each trial was raced against"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give trials a column: of those already there it is not known."""
    op.add_column("trial", sa.Column("against", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("trial", "against")
