"""Accounts that are not open, one author's acts of one kind, and a cohort's groups are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Build the new schema."""
    op.create_index(
        "ix_account_state",
        "account",
        ["state", "key"],
        unique=False,
        sqlite_where=sa.text("state <> 'open'"),
        postgresql_where=sa.text("state <> 'open'"),
    )
    op.create_index("ix_audit_author_act", "audit", ["author", "act", "n"], unique=False)
    op.create_index("ix_cohort_group_cohort", "cohort_group", ["cohort"], unique=False)
