"""Lines: when nodes became linked or cut off, a row for each change; which terminals sites have."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from central.store.tables.base import Instant, RowId, metadata

link_change = Table(
    "link_change",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("linked", Boolean, nullable=False),
    Index("ix_link_change_node_at", "node", "at"),
)

#: What each edge told last of the terminals at its site, as it said it.
site_terminals = Table(
    "site_terminals",
    metadata,
    Column("node", Text, ForeignKey("node.id"), primary_key=True),
    Column("state", Text, nullable=False),
    # Of these, how many there are and how many are off line, for who looks at all sites.
    Column("count", Integer, nullable=False),
    Column("off", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
