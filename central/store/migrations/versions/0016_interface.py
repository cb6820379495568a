"""The interface acts: tokens have rights, sites and an end; answers to acts are kept for a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Build the new schema; tokens there are read, as they did."""
    op.add_column("api_token", sa.Column("rights", sa.Text()))
    op.add_column("api_token", sa.Column("sites", sa.Text()))
    op.add_column("api_token", sa.Column("expires_at", sa.BigInteger()))
    op.create_table(
        "api_answer",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token", "key", name=op.f("pk_api_answer")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_api_answer_at", "api_answer", ["at"])
