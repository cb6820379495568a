"""Lines have a history, and sites have terminals that the books know of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Build the new schema; what was before it is not known."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "link_change",
        sa.Column("n", row_id, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_link_change_node")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_link_change")),
    )
    op.create_index("ix_link_change_node_at", "link_change", ["node", "at"])
    op.create_table(
        "site_terminals",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", row_id, nullable=False),
        sa.Column("off", row_id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_site_terminals_node")),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_site_terminals")),
        sqlite_with_rowid=False,
    )
