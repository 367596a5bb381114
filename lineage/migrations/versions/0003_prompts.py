"""Variants of prompts, the searches that sampled them, and what came of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prompt_variant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("sections", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_variant")),
    )
    op.create_index(op.f("ix_prompt_variant_operator"), "prompt_variant", ["operator"])
    op.create_table(
        "prompt_search",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_search")),
    )
    op.create_table(
        "prompt_completion",
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("latency_s", sa.Double(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["prompt"], ["prompt.id"], name=op.f("fk_prompt_completion_prompt")),
        sa.ForeignKeyConstraint(["search"], ["prompt_search.id"], name=op.f("fk_prompt_completion_search")),
        sa.PrimaryKeyConstraint("search", "number", "position", name=op.f("pk_prompt_completion")),
    )
    op.create_index(op.f("ix_prompt_completion_prompt"), "prompt_completion", ["prompt"])
    op.create_table(
        "prompt_sampled",
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("entropy", sa.Double(), nullable=False),
        sa.Column("compile_rate", sa.Double(), nullable=False),
        sa.Column("novelty", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["search"], ["prompt_search.id"], name=op.f("fk_prompt_sampled_search")),
        sa.ForeignKeyConstraint(["variant"], ["prompt_variant.id"], name=op.f("fk_prompt_sampled_variant")),
        sa.PrimaryKeyConstraint("search", "number", name=op.f("pk_prompt_sampled")),
    )
    op.create_index(op.f("ix_prompt_sampled_variant"), "prompt_sampled", ["variant"])
    op.create_table(
        "prompt_sample",
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("novel", sa.Boolean(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search", "number"],
            ["prompt_sampled.search", "prompt_sampled.number"],
            name=op.f("fk_prompt_sample_search_number"),
        ),
        sa.PrimaryKeyConstraint("search", "number", "position", name=op.f("pk_prompt_sample")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("prompt_sample", "prompt_sampled", "prompt_completion", "prompt_search", "prompt_variant"):
        op.drop_table(table)
