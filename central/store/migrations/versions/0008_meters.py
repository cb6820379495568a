"""What machines count themselves, what was billed at them, and how they were last heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "device_alert",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "device", "code", "day", name=op.f("pk_device_alert")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_device_alert_untold",
        "device_alert",
        ["at"],
        unique=False,
        sqlite_where=sa.text("told IS 0"),
        postgresql_where=sa.text("told IS false"),
    )
    op.create_table(
        "device_state",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "device", name=op.f("pk_device_state")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "device_terms",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("account", sa.Text()),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("large_factor", sa.Integer(), nullable=False),
        sa.Column("carried", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "device", name=op.f("pk_device_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "explanation",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_explanation")),
    )
    op.create_index("ix_explanation_device", "explanation", ["node", "device", "day"], unique=False)
    op.create_table(
        "meter_reading",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("before", _ROW),
        sa.Column("serial", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("day", sa.Text()),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("meters", sa.Text(), nullable=False),
        sa.Column("continues", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("under_way", sa.Integer(), nullable=False),
        sa.Column("under_way_pages", sa.Integer(), nullable=False),
        sa.Column("tally", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["before"], ["meter_reading.n"], name=op.f("fk_meter_reading_before")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_meter_reading")),
    )
    op.create_index(
        "ix_meter_reading_day", "meter_reading", ["day", "node", "device"], unique=False
    )
    op.create_index(
        "ix_meter_reading_device", "meter_reading", ["node", "device", "n"], unique=False
    )
    op.create_index(
        "ix_meter_reading_new",
        "meter_reading",
        ["n"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "tally",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("prints", sa.BigInteger(), nullable=False),
        sa.Column("print_color", sa.BigInteger(), nullable=False),
        sa.Column("print_sheets", sa.BigInteger(), nullable=False),
        sa.Column("copies", sa.BigInteger(), nullable=False),
        sa.Column("copy_color", sa.BigInteger(), nullable=False),
        sa.Column("copy_sheets", sa.BigInteger(), nullable=False),
        sa.Column("large", sa.BigInteger(), nullable=False),
        sa.Column("unbilled", sa.BigInteger(), nullable=False),
        sa.Column("doubtful", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "device", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meter_booking",
        sa.Column("reading", _ROW, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("monochrome", sa.BigInteger(), nullable=False),
        sa.Column("color", sa.BigInteger(), nullable=False),
        sa.Column("entry", _ROW),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entry.n"], name=op.f("fk_meter_booking_entry")),
        sa.ForeignKeyConstraint(
            ["reading"], ["meter_reading.n"], name=op.f("fk_meter_booking_reading")
        ),
        sa.PrimaryKeyConstraint("reading", name=op.f("pk_meter_booking")),
    )
    op.create_index(
        "ix_meter_booking_waiting",
        "meter_booking",
        ["reading"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
