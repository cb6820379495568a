"""Courier codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "courier",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger()),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("next_epoch", sa.BigInteger()),
        sa.Column("next_seq", sa.BigInteger()),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_courier_node")),
        sa.PrimaryKeyConstraint("node", "incarnation", name=op.f("pk_courier")),
    )
    op.create_table(
        "code",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger()),
        sa.Column("number", sa.Integer()),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("redeemed_seq", sa.BigInteger()),
        sa.Column("redeemed_at", sa.BigInteger()),
        sa.CheckConstraint(
            "state IN ('waiting', 'issued', 'redeemed', 'failed')", name=op.f("ck_code_state")
        ),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_code_node")),
        sa.ForeignKeyConstraint(["entry"], ["entry.n"], name=op.f("fk_code_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code")),
        sa.UniqueConstraint(
            "node",
            "incarnation",
            "epoch",
            "number",
            name=op.f("uq_code_node_incarnation_epoch_number"),
        ),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_code_waiting",
        "code",
        ["account", "unit"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
