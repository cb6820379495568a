"""The place of the second log, and recovery after a restore."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "second_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=True),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_second_log_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_log")),
    )
    op.create_table(
        "standing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("fenced_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_standing_one")),
        sa.CheckConstraint("mode IN ('normal', 'recovery')", name=op.f("ck_standing_mode")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing")),
    )
    op.create_table(
        "recovery_edge",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("adopted", sa.Integer(), nullable=False),
        sa.Column("known_upto", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('absent', 'reported', 'accepted')", name=op.f("ck_recovery_edge_state")
        ),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_recovery_edge_node")),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_recovery_edge")),
    )
    op.create_table(
        "adopted_reclaim",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_adopted_reclaim_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adopted_reclaim")),
    )
    op.create_table(
        "adopted_collection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_adopted_collection_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adopted_collection")),
    )
    op.execute('INSERT INTO second_log (id, n, segment, "end") VALUES (1, 0, 0, 0)')
    op.execute("INSERT INTO standing (id, mode) VALUES (1, 'normal')")
