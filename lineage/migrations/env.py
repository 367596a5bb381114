"""What Alembic runs around every migration; the connection and its transaction come from the caller."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator

from slotforge.lineage import service_schema, summary_schema  # noqa: F401 (their tables are part of the metadata)
from slotforge.lineage.migrations import TABLE
from slotforge.lineage.schema import Base


def plain(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """Write a column's type into a migration as the database knows it, so that old migrations need none of our code."""
    return f"sa.{value.impl!r}" if kind == "type" and isinstance(value, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=TABLE,
    transactional_ddl=True,
    render_as_batch=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
