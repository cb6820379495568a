"""Who did what: every administrative act, never changed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from central.store.tables.base import Instant, RowId, metadata

audit = Table(
    "audit",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    # A login name, or `coordinator`.
    Column("author", Text, nullable=False),
    # What was done, in a word or two: `account freeze`, `rule set`.
    Column("act", Text, nullable=False),
    # To what: an account, a node, a job.
    Column("target", Text, nullable=False),
    # JSON: whatever explains it; no secrets.
    Column("detail", Text, nullable=False),
    Index("ix_audit_target", "target", "n"),
)
