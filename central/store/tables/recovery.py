"""Tables of what survives a fall: where the second log is, and how far a recovery has come."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    Table,
    Text,
)

from central.store.tables.base import Instant, metadata

#: One row: how far the second log goes, written by each transaction that is in it.
second_log = Table(
    "second_log",
    metadata,
    Column("id", Integer, primary_key=True),
    # Transactions logged since the books were created.
    Column("n", BigInteger, nullable=False),
    # None: there is no second log (yet), or these books are a copy.
    Column("directory", Text),
    # The file that is written, by the number of its first record, and where its valid part ends.
    Column("segment", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: One row: whether these books may give money away.
standing = Table(
    "standing",
    metadata,
    Column("id", Integer, primary_key=True),
    # recovery: restored without the second log, and not finished.
    Column("mode", Text, nullable=False),
    Column("since", Instant),
    # A higher epoch that some node has met: these books are an old copy.
    Column("fenced_by", BigInteger),
    CheckConstraint("id = 1", name="one"),
    CheckConstraint("mode IN ('normal', 'recovery')", name="mode"),
)

#: What each edge must tell before anything may be granted again.
recovery_edge = Table(
    "recovery_edge",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", Instant),
    # Events of ours that it handed back.
    Column("adopted", Integer, nullable=False),
    # How far the lost books had taken its ledger stream in: up to there they had acted on it.
    Column("known_upto", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    CheckConstraint("state IN ('absent', 'reported', 'accepted')", name="state"),
)

#: Reclaims that only the edge's copy of our stream tells of; the edge has answered them.
adopted_reclaim = Table(
    "adopted_reclaim",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("up_to", BigInteger, nullable=False),
    Column("answered", Boolean, nullable=False),
)

#: What the lost books had collected of debts, as the edge's copy of our stream tells.
adopted_collection = Table(
    "adopted_collection",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    # Not matched with a debt yet: its charge comes again.
    Column("micros", BigInteger, nullable=False),
)
