"""What sites may be and bear, what is owed, vocabulary of nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Build the new schema."""
    op.add_column("node", sa.Column("wire", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("request", sa.Column("job", sa.Text(), nullable=True))
    _reclaims_without_request()
    op.create_index("ix_reclaim_account", "reclaim", ["account", "unit"])
    op.create_table(
        "terms",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("uncovered", sa.Text(), nullable=False),
        sa.Column("offline_seconds", sa.BigInteger(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_terms_node")),
        sa.PrimaryKeyConstraint("node", "n", name=op.f("pk_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "owed",
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("debtor", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("collected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "micros > 0 AND collected BETWEEN 0 AND micros", name=op.f("ck_owed_collected")
        ),
        sa.ForeignKeyConstraint(["charge"], ["charge.charge"], name=op.f("fk_owed_charge")),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_owed_node")),
        sa.PrimaryKeyConstraint("charge", "account", "unit", name=op.f("pk_owed")),
        sqlite_with_rowid=False,
    )
    open_ = sa.text("collected < micros")
    for name, columns in (("open", ["debtor", "unit"]), ("site", ["node", "incarnation"])):
        op.create_index(
            f"ix_owed_{name}", "owed", columns, sqlite_where=open_, postgresql_where=open_
        )


def _reclaims_without_request() -> None:
    """Let a reclaim serve parking or a debt: no funds request stands behind it then."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("reclaim", "request", nullable=True)
        op.add_column(
            "reclaim", sa.Column("purpose", sa.Text(), nullable=False, server_default="request")
        )
        return
    # SQLite cannot change a column: the table is written anew, and nothing refers to it
    op.drop_index("uq_reclaim_open", table_name="reclaim")
    op.rename_table("reclaim", "reclaim_before")
    op.create_table(
        "reclaim",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False, server_default="request"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_reclaim_state")),
        sa.ForeignKeyConstraint(["node"], ["node.id"], name=op.f("fk_reclaim_node")),
        sa.ForeignKeyConstraint(["request"], ["request.corr"], name=op.f("fk_reclaim_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reclaim")),
    )
    columns = "id, account, unit, node, up_to, request, state, returned, at"
    # both names are ours
    op.execute(f"INSERT INTO reclaim ({columns}) SELECT {columns} FROM reclaim_before")  # noqa: S608
    op.drop_table("reclaim_before")
    op.create_index(
        "uq_reclaim_open",
        "reclaim",
        ["account", "unit", "node"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
    )
