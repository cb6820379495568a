"""Tables of the desk: people's requests for their money back, and the till with its receipts."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from central.store.tables.base import Instant, RowId, metadata

#: Somebody asks for what a job cost.
refund_request = Table(
    "refund_request",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    # job-uuid.
    Column("job", Text, nullable=False),
    # At which site it was printed: who may settle depends on it.
    Column("node", Text, nullable=False),
    # Who asks.
    Column("user", Text, nullable=False),
    # In their own words.
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    # open; refunded; declined; withdrawn.
    Column("state", Text, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", Text, nullable=False),
    # What they are told.
    Column("answer", Text, nullable=False),
    CheckConstraint("state IN ('open', 'refunded', 'declined', 'withdrawn')", name="state"),
    Index(
        "uq_refund_request_open",
        "job",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_refund_request_job", "job"),
    Index("ix_refund_request_user", "user", "n"),
    Index("ix_refund_request_state", "state", "n"),
)

#: A till from its opening, with money in it, to its close, with what was counted.
till_session = Table(
    "till_session",
    metadata,
    Column("n", RowId, primary_key=True),
    # Which till; of each one session is open at most.
    Column("till", Text, nullable=False),
    Column("unit", Text, nullable=False),
    # Micros that were in it at first.
    Column("opening", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_by", Text),
    Column("closed_at", Instant),
    # Micros that were to be in it, and that were.
    Column("expected", BigInteger),
    Column("counted", BigInteger),
    # Why they differ, by who closed it.
    Column("note", Text, nullable=False),
    Index(
        "uq_till_session_open",
        "till",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

#: Cash that went in or out of a till; its number stands on paper.
till_receipt = Table(
    "till_receipt",
    metadata,
    # Ascends by one in these books, without gaps.
    Column("number", RowId, primary_key=True, autoincrement=False),
    Column("session", RowId, ForeignKey("till_session.n"), nullable=False),
    Column("entry", RowId, ForeignKey("entry.n"), nullable=False),
    # topup; payback.
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    # What went into the till; negative: out of it.
    Column("micros", BigInteger, nullable=False),
    # What the account had afterwards, wherever that sits.
    Column("balance", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # The receipt that this one takes back.
    Column("reverses", RowId, ForeignKey("till_receipt.number"), unique=True),
    Column("note", Text, nullable=False),
    CheckConstraint("kind IN ('topup', 'payback')", name="kind"),
    Index("ix_till_receipt_session", "session", "number"),
    Index("ix_till_receipt_account", "account", "number"),
)
