"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "candidate",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
    )
    op.create_table(
        "environment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
    )
    op.create_table(
        "instance",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("size", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_instance")),
    )
    op.create_index(op.f("ix_instance_id"), "instance", ["id"])
    op.create_table(
        "prompt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("messages", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_table(
        "artefact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f("fk_artefact_candidate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artefact")),
    )
    op.create_index(op.f("ix_artefact_candidate"), "artefact", ["candidate"])
    op.create_table(
        "candidate_slot",
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f("fk_candidate_slot_candidate")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_candidate_slot_source")),
        sa.PrimaryKeyConstraint("candidate", "slot", name=op.f("pk_candidate_slot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("driver", sa.Text(), nullable=True),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["environment"], ["environment.id"], name=op.f("fk_run_environment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_table(
        "completion",
        sa.Column("run", sa.Text(), nullable=False),
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
        sa.ForeignKeyConstraint(["prompt"], ["prompt.id"], name=op.f("fk_completion_prompt")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_completion_run")),
        sa.PrimaryKeyConstraint("run", "number", "position", name=op.f("pk_completion")),
    )
    op.create_index(op.f("ix_completion_prompt"), "completion", ["prompt"])
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_event_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_run"), "event", ["run"])
    op.create_table(
        "suite",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["instance"], ["instance.key"], name=op.f("fk_suite_instance")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_suite_run")),
        sa.PrimaryKeyConstraint("run", "split", "position", name=op.f("pk_suite")),
    )
    op.create_table(
        "trial",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("slots", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f("fk_trial_candidate")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_trial_run")),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_trial")),
    )
    op.create_index(op.f("ix_trial_candidate"), "trial", ["candidate"])
    op.create_index(op.f("ix_trial_ratio"), "trial", ["ratio"])
    op.create_table(
        "verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("proofs", sa.BigInteger(), nullable=False),
        sa.Column("models", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["against"], ["candidate.id"], name=op.f("fk_verdict_against")),
        sa.ForeignKeyConstraint(["candidate"], ["candidate.id"], name=op.f("fk_verdict_candidate")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_verdict_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_candidate"), "verdict", ["candidate"])
    op.create_index(op.f("ix_verdict_run"), "verdict", ["run"])
    op.create_table(
        "measurement",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["run", "number"], ["trial.run", "trial.number"], name=op.f("fk_measurement_run_number")
        ),
        sa.PrimaryKeyConstraint("run", "number", "position", name=op.f("pk_measurement")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parent",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run", "number"], ["trial.run", "trial.number"], name=op.f("fk_parent_run_number")),
        sa.PrimaryKeyConstraint("run", "number", "position", name=op.f("pk_parent")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdict_family",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.Column("family", sa.Text(), nullable=True),
        sa.Column("ratio", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("p", sa.Double(), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cpu_ratio", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["verdict"], ["verdict.id"], name=op.f("fk_verdict_family_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict_family")),
    )
    op.create_index(op.f("ix_verdict_family_verdict_family"), "verdict_family", ["verdict", "family"])


def downgrade() -> None:
    """Drop them."""
    for table in (
        "verdict_family",
        "parent",
        "measurement",
        "verdict",
        "trial",
        "suite",
        "event",
        "completion",
        "run",
        "candidate_slot",
        "artefact",
        "source",
        "prompt",
        "instance",
        "environment",
        "candidate",
    ):
        op.drop_table(table)
