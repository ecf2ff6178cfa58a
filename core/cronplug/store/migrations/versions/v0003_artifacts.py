"""What executions leave: artifacts, and the results of work that is done once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.BigInteger()
Words = sa.Text()


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("execution_id", Id, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("media_type", Words, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_artifacts_execution_id_executions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "name", name="pk_artifacts"),
    )
    op.create_table(
        "once_results",
        sa.Column("execution_id", Id, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("value", Words),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_once_results_execution_id_executions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "key", name="pk_once_results"),
    )


def downgrade() -> None:
    op.drop_table("once_results")
    op.drop_table("artifacts")
