"""Tables of what other programs are told: who is, what waits for them, and how far the books went.

What happened is in the books already: a subscription has marks on the ledger and on the streams of
jobs, and little of what is behind them is made into messages ahead of time. What is in no other
table (a node's link, alerts, requests) is noted in `happening`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from central.store.tables.base import Instant, RowId, metadata

#: A program that is told.
webhook = Table(
    "webhook",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    # Kinds of events with blanks between.
    Column("kinds", Text, nullable=False),
    # Micros: money of less is not told of; none: all is.
    Column("above", BigInteger),
    # Whether names of people are told.
    Column("people", Boolean, nullable=False),
    # The secret that messages are signed with, sealed with the centre's; and the one before it,
    # which signs as well until a moment.
    Column("sealed", Text, nullable=False),
    Column("sealed_before", Text, nullable=False, server_default=""),
    Column("before_until", Instant),
    # active; paused, and why: by somebody, or since nothing arrives.
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    # Of the message in front: how often it failed, and when it is tried again.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant),
    Column("arrived_at", Instant),
    Column("made_at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    CheckConstraint("state IN ('active', 'paused')", name="state"),
)

#: How far the books were gone through for a subscription.
webhook_mark = Table(
    "webhook_mark",
    metadata,
    Column("webhook", RowId, ForeignKey("webhook.n"), primary_key=True),
    # entry, happening, or the number of a stream.
    Column("source", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Messages, in their order: those that wait, and for some days those that do not.
webhook_message = Table(
    "webhook_message",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("webhook", RowId, ForeignKey("webhook.n"), nullable=False),
    # The same whenever it is sent.
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # As it is sent; empty once it has arrived or was left out.
    Column("body", Text, nullable=False),
    # waiting, arrived, or left-out by somebody.
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    # The last try: when, for how many milliseconds, and what came of it.
    Column("tried_at", Instant),
    Column("took", Integer),
    # Of HTTP; none: there was no answer.
    Column("status", Integer),
    Column("trouble", Text, nullable=False),
    CheckConstraint("state IN ('waiting', 'arrived', 'left-out')", name="state"),
    Index(
        "ix_webhook_message_waiting",
        "webhook",
        "n",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("ix_webhook_message_webhook", "webhook", "n"),
    Index("ix_webhook_message_made", "made_at"),
)

#: What happened and is in no other table, kept until every subscription is beyond it.
happening = Table(
    "happening",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # JSON objects: what anybody may be told, and what names people.
    Column("data", Text, nullable=False),
    Column("people", Text, nullable=False),
    # Only for this one; none: for all.
    Column("webhook", RowId),
)
