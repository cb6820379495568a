"""The tables of accounts: what they are, who may choose them, and periodic grants to them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    false,
    text,
)

from central.store.tables.base import Instant, metadata

account = Table(
    "account",
    metadata,
    Column("key", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("floor", BigInteger, nullable=False),
    # Kept in step with `state`: true while it is open.
    Column("enabled", Boolean, nullable=False),
    # What people read.
    Column("label", Text, nullable=False, server_default=""),
    # For reports only: nothing is paid by a parent.
    Column("parent", Text),
    # In `page`: which impressions it pays for.
    Column("counts", Text, nullable=False, server_default="impressions"),
    # Counted only; its place at the centre has no floor, and it has no other place.
    Column("unlimited", Boolean, nullable=False, server_default=false()),
    # open, frozen, closed or merged.
    Column("state", Text, nullable=False, server_default="open"),
    # Closed or merged: where what is left of it, or comes back later, goes.
    Column("merged_into", Text),
    # Closed or merged, with money still somewhere: when its sites are asked for it (again).
    Column("sweep_at", Instant),
    # Merged: people up to this name pay from the other account already; none when all do.
    Column("renamed_upto", Text),
    Index("ix_account_parent", "parent"),
    # a list of them, in its order, among very many that are open
    Index(
        "ix_account_state",
        "state",
        "key",
        sqlite_where=text("state <> 'open'"),
        postgresql_where=text("state <> 'open'"),
    ),
    Index(
        "ix_account_sweep",
        "sweep_at",
        sqlite_where=text("sweep_at IS NOT NULL"),
        postgresql_where=text("sweep_at IS NOT NULL"),
    ),
    Index(
        "ix_account_renamed",
        "renamed_upto",
        sqlite_where=text("renamed_upto IS NOT NULL"),
        postgresql_where=text("renamed_upto IS NOT NULL"),
    ),
)

#: Who may charge a department, a project or a shared account instead of their own.
member = Table(
    "member",
    metadata,
    Column("account", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Index("ix_member_user", "user", "account"),
    sqlite_with_rowid=False,
)

#: A periodic grant, and how far it is.
schedule = Table(
    "schedule",
    metadata,
    Column("name", Text, primary_key=True),
    # Entries are named after it, so a later schedule of the same name is another one.
    Column("id", Text, nullable=False, unique=True),
    # `group:NAME` or `account:KEY`.
    Column("target", Text, nullable=False),
    # For a group: which account of each person, `grant`, `quota`, `quota.color` …
    Column("wallet", Text, nullable=False),
    # For a group: put the account among what the person pays with.
    Column("joins", Boolean, nullable=False),
    Column("unit", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("mode", Text, nullable=False),
    Column("cap", BigInteger),
    Column("every", Text, nullable=False),
    Column("zone", Text, nullable=False),
    # Local time as HH:MM.
    Column("at", Text, nullable=False),
    # 1 is Monday.
    Column("weekday", Integer),
    Column("day", Integer),
    # Days of a term plan, separated by commas.
    Column("days", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("paused", Boolean, nullable=False),
    # All moments up to this one are done.
    Column("done", Instant, nullable=False),
    # The next one, or the one that is under way; none: never again.
    Column("due", Instant),
    # Under way: the period's name, and the person up to whom it is done.
    Column("period", Text),
    Column("cursor", Text, nullable=False),
    # What the run under way, or the last one, did.
    Column("granted", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    # Why somebody was left out, the newest reason.
    Column("remark", Text, nullable=False),
    CheckConstraint("mode IN ('set', 'add')", name="mode"),
    Index("ix_schedule_due", "due"),
)
