"""The desk: requests for money back, and the till with its receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "refund_request",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'refunded', 'declined', 'withdrawn')",
            name=op.f("ck_refund_request_state"),
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_refund_request")),
        sa.UniqueConstraint("id", name=op.f("uq_refund_request_id")),
    )
    op.create_index(
        "uq_refund_request_open",
        "refund_request",
        ["job"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_refund_request_job", "refund_request", ["job"], unique=False)
    op.create_index("ix_refund_request_user", "refund_request", ["user", "n"], unique=False)
    op.create_index("ix_refund_request_state", "refund_request", ["state", "n"], unique=False)
    op.create_table(
        "till_session",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("till", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.Text()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("expected", sa.BigInteger()),
        sa.Column("counted", sa.BigInteger()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_till_session")),
    )
    op.create_index(
        "uq_till_session_open",
        "till_session",
        ["till"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "till_receipt",
        sa.Column("number", _ROW, nullable=False),
        sa.Column("session", _ROW, nullable=False),
        sa.Column("entry", _ROW, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reverses", _ROW),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('topup', 'payback')", name=op.f("ck_till_receipt_kind")),
        sa.ForeignKeyConstraint(["entry"], ["entry.n"], name=op.f("fk_till_receipt_entry")),
        sa.ForeignKeyConstraint(
            ["reverses"], ["till_receipt.number"], name=op.f("fk_till_receipt_reverses")
        ),
        sa.ForeignKeyConstraint(
            ["session"], ["till_session.n"], name=op.f("fk_till_receipt_session")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_till_receipt")),
        sa.UniqueConstraint("reverses", name=op.f("uq_till_receipt_reverses")),
    )
    op.create_index("ix_till_receipt_session", "till_receipt", ["session", "number"], unique=False)
    op.create_index("ix_till_receipt_account", "till_receipt", ["account", "number"], unique=False)
