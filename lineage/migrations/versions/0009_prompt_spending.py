"""What a search for prompts knew when it began, and what its calls without an answer may have cost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give searches for prompts three columns: of those already there nothing was kept."""
    op.add_column("prompt_search", sa.Column("known", sa.Text(), nullable=True))
    op.add_column("prompt_search", sa.Column("unanswered_tokens", sa.BigInteger(), nullable=True))
    op.add_column("prompt_search", sa.Column("unanswered_usd", sa.Double(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("prompt_search", "unanswered_usd")
    op.drop_column("prompt_search", "unanswered_tokens")
    op.drop_column("prompt_search", "known")
