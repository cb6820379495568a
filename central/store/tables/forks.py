"""Tables of journals that are closed: forked or written off; and of events that were mended."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)

from central.store.tables.base import Instant, RowId, metadata

#: One journal that the books do not go on with, and how far its end is.
closure = Table(
    "closure",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    Column("incarnation", Text, primary_key=True),
    # fork; write-off.
    Column("kind", Text, nullable=False),
    # open, looking, stopping, collecting, booking, draining, archiving, done.
    Column("step", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # The command that is under way for this step, and when it was given.
    Column("command", Text),
    Column("asked_at", Instant),
    # The code for the journal that comes next; gone once it was used.
    Column("code", Text),
    # JSON: where the edge's streams end, by its own word.
    Column("heads", Text, nullable=False),
    # JSON: micros by unit that the house took over with the journal and has not spent yet.
    Column("remains", Text, nullable=False),
    # JSON: what was booked so far.
    Column("result", Text, nullable=False),
    # Whether what sat at the edge went back to the accounts.
    Column("returned", Boolean, nullable=False),
    # Why it does not go on, for people.
    Column("detail", Text, nullable=False),
    CheckConstraint("kind IN ('fork', 'write-off')", name="kind"),
    Index(
        "ix_closure_active",
        "node",
        sqlite_where=text("step NOT IN ('open', 'done')"),
        postgresql_where=text("step NOT IN ('open', 'done')"),
    ),
    sqlite_with_rowid=False,
)

#: The edge's own branch behind the last event that both had.
branch_event = Table(
    "branch_event",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    Column("incarnation", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("type", Text, nullable=False),
    # kept, applied, known (the other branch had it), quarantined.
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

#: What became of an event that had been quarantined; its own text stays where it is.
mended = Table(
    "mended",
    metadata,
    Column("stream", RowId, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    # repaired, replayed, dismissed.
    Column("act", Text, nullable=False),
    # The event that was applied in its place; none unless repaired.
    Column("data", Text),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
