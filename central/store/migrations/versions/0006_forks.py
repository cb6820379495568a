"""Branches of forked journals, what was written off, and what became of quarantined events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "closure",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.Column("remains", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('fork', 'write-off')", name=op.f("ck_closure_kind")),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_closure_node")),
        sa.PrimaryKeyConstraint("node", "incarnation", name=op.f("pk_closure")),
        sqlite_with_rowid=False,
    )
    under_way = sa.text("step NOT IN ('open', 'done')")
    op.create_index(
        "ix_closure_active",
        "closure",
        ["node"],
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    op.create_table(
        "branch_event",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_branch_event_node")),
        sa.PrimaryKeyConstraint("node", "incarnation", "name", "seq", name=op.f("pk_branch_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mended",
        sa.Column("stream", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["stream.id"], name=op.f("fk_mended_stream")),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_mended")),
        sqlite_with_rowid=False,
    )
