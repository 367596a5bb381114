"""Which verdicts are on controls of a search"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPERATORS = "(t.operator LIKE 'builtin %' OR t.operator = 'tune the baseline')"


def upgrade() -> None:
    """Give verdicts a column; of those already there the operators of trials tell what controls are."""
    op.add_column("verdict", sa.Column("control", sa.Boolean(), nullable=False, server_default=sa.false()))
    ours = f"SELECT 1 FROM trial t WHERE t.run = verdict.run AND t.candidate = verdict.candidate AND {OPERATORS}"
    op.execute(f"UPDATE verdict SET control = true WHERE EXISTS ({ours})")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("verdict", "control")
