"""Who did what; kinds of accounts, their members, periodic grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_target", "audit", ["target", "n"])
    op.add_column("account", sa.Column("label", sa.Text(), nullable=False, server_default=""))
    op.add_column("account", sa.Column("parent", sa.Text(), nullable=True))
    op.add_column(
        "account",
        sa.Column("counts", sa.Text(), nullable=False, server_default="impressions"),
    )
    op.add_column(
        "account",
        sa.Column("unlimited", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("account", sa.Column("state", sa.Text(), nullable=False, server_default="open"))
    op.add_column("account", sa.Column("merged_into", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("sweep_at", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("renamed_upto", sa.Text(), nullable=True))
    # what was closed before could be opened again: it is what frozen means now
    op.execute("UPDATE account SET state = 'frozen' WHERE NOT enabled")
    op.create_index("ix_account_parent", "account", ["parent"])
    for name in ("sweep", "renamed"):
        column = {"sweep": "sweep_at", "renamed": "renamed_upto"}[name]
        op.create_index(
            f"ix_account_{name}",
            "account",
            [column],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "ix_entry_refund",
        "entry",
        ["reference"],
        sqlite_where=sa.text("kind = 'refund'"),
        postgresql_where=sa.text("kind = 'refund'"),
    )
    op.create_table(
        "member",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "user", name=op.f("pk_member")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_member_user", "member", ["user", "account"])
    op.create_table(
        "schedule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("joins", sa.Boolean(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('set', 'add')", name=op.f("ck_schedule_mode")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
        sa.UniqueConstraint("id", name=op.f("uq_schedule_id")),
    )
    op.create_index("ix_schedule_due", "schedule", ["due"])
