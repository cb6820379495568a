"""Tables of what sites may be and bear, and of what was charged past the allocation."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)

from central.store.tables.base import Instant, metadata

#: What the centre wishes a site to be and to bear, and since when its journal lives by it.
terms = Table(
    "terms",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    # Ascends; the highest holds.
    Column("n", BigInteger, primary_key=True),
    Column("role", Text, nullable=False),
    # JSON list of {unit, site, user}.
    Column("uncovered", Text, nullable=False),
    Column("offline_seconds", BigInteger),
    # A login name, or `coordinator`.
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # The journal it was sent to; none: not sent yet.
    Column("incarnation", Text),
    # When its taking was told; none: not yet.
    Column("taken_at", Instant),
    sqlite_with_rowid=False,
)

#: One account's part of one charge past the allocation.
owed = Table(
    "owed",
    metadata,
    Column("charge", Text, ForeignKey("charge.charge"), primary_key=True),
    Column("account", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    # The journal that told of it: its caps count what is outstanding there.
    Column("incarnation", Text, nullable=False),
    # Who pays: the account, or where it had gone when this was booked.
    Column("debtor", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("collected", BigInteger, nullable=False),
    CheckConstraint("micros > 0 AND collected BETWEEN 0 AND micros", name="collected"),
    Index(
        "ix_owed_open",
        "debtor",
        "unit",
        sqlite_where=text("collected < micros"),
        postgresql_where=text("collected < micros"),
    ),
    Index(
        "ix_owed_site",
        "node",
        "incarnation",
        sqlite_where=text("collected < micros"),
        postgresql_where=text("collected < micros"),
    ),
    sqlite_with_rowid=False,
)
