"""Tables of courier codes: keys and epochs of journals, and the codes that were issued."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from central.store.tables.base import Instant, RowId, metadata

#: One accepted journal of an edge that knows codes.
courier = Table(
    "courier",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    Column("incarnation", Text, primary_key=True),
    # 32 bytes in hexadecimal. A secret: who has it makes codes for this journal.
    Column("secret", Text, nullable=False),
    # The epoch that the edge has confirmed, and how many codes were issued under it.
    Column("epoch", BigInteger),
    Column("issued", Integer, nullable=False),
    # The newest epoch that was sent, and its place in the stream down.
    Column("next_epoch", BigInteger),
    Column("next_seq", BigInteger),
)

#: One code, or the wish for one while money is fetched for it. Its digits are not kept.
code = Table(
    "code",
    metadata,
    # Also the funds request that fetches for it.
    Column("id", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    # For whom, and who issued it.
    Column("user", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # Once issued.
    Column("epoch", BigInteger),
    Column("number", Integer),
    Column("entry", RowId, ForeignKey("entry.n")),
    # Once the edge has told that it was redeemed, if it was.
    Column("redeemed_seq", BigInteger),
    Column("redeemed_at", Instant),
    CheckConstraint("state IN ('waiting', 'issued', 'redeemed', 'failed')", name="state"),
    UniqueConstraint("node", "incarnation", "epoch", "number"),
    Index(
        "ix_code_waiting",
        "account",
        "unit",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)
