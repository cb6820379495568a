"""Other programs are told what happens: who, what waits for them, and how far the books went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "webhook",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("above", sa.BigInteger()),
        sa.Column("people", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("sealed_before", sa.Text(), server_default="", nullable=False),
        sa.Column("before_until", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", _ROW, server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("arrived_at", sa.BigInteger()),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'paused')", name=op.f("ck_webhook_state")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_webhook")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_id")),
        sa.UniqueConstraint("name", name=op.f("uq_webhook_name")),
    )
    op.create_table(
        "webhook_mark",
        sa.Column("webhook", _ROW, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["webhook"], ["webhook.n"], name=op.f("fk_webhook_mark_webhook")),
        sa.PrimaryKeyConstraint("webhook", "source", name=op.f("pk_webhook_mark")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_message",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("webhook", _ROW, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", _ROW, nullable=False),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("took", _ROW),
        sa.Column("status", _ROW),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'arrived', 'left-out')", name=op.f("ck_webhook_message_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook"], ["webhook.n"], name=op.f("fk_webhook_message_webhook")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_webhook_message")),
    )
    op.create_index(
        "ix_webhook_message_waiting",
        "webhook_message",
        ["webhook", "n"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_webhook_message_webhook", "webhook_message", ["webhook", "n"])
    op.create_index("ix_webhook_message_made", "webhook_message", ["made_at"])
    op.create_table(
        "happening",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("webhook", _ROW),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_happening")),
    )
