"""Tables of what is kept of people, and for how long: the policy, and how far deleting has come."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text

from central.store.tables.base import Instant, metadata

#: One row: what becomes of documents' names.
privacy = Table(
    "privacy",
    metadata,
    Column("id", Integer, primary_key=True),
    # keep; hash: the same name has the same hash; hide.
    Column("names", Text, nullable=False),
    # Hexadecimal: hashes are keyed with it. A secret: who has it can try names.
    Column("key", Text, nullable=False),
    CheckConstraint("id = 1", name="one"),
    CheckConstraint("names IN ('keep', 'hash', 'hide')", name="names"),
)

#: How far one kind of deleting has come, or how much it has deleted since it was last told.
retention_mark = Table(
    "retention_mark",
    metadata,
    # `names`, `names STREAM`, `events STREAM`, `jobs`, or `count …`.
    Column("what", Text, primary_key=True),
    # A job's number, an event's place, or a count.
    Column("upto", BigInteger, nullable=False),
    # What is older is deleted, as of the last run.
    Column("older_than", Instant),
    sqlite_with_rowid=False,
)
