"""How many bytes of uploads the owner of a key may keep"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give keys a column; those already there have no limit."""
    op.add_column("api_key", sa.Column("bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("api_key", "bytes")
