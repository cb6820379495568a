"""The tables of the first schema: nodes, entries, streams, jobs, the directory."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from central.store.tables.base import Instant, RowId, metadata

#: One row: whose books these are.
meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

node = Table(
    "node",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # The accepted journal; none before the first birth.
    Column("incarnation", Text),
    # SHA-256 of the unspent one-use code.
    Column("code_digest", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("software", Text, nullable=False, server_default=""),
    Column("linked", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("born_at", Instant),
    Column("seen_at", Instant),
    # The last birth as JSON: its heads, for people who look for a fault.
    Column("birth", Text),
    # The newest vocabulary it understands, as of its last birth.
    Column("wire", Integer, nullable=False, server_default="1"),
    # Somebody wishes that it gets the whole directory again; none: it was sent.
    Column("resync_at", Instant),
    CheckConstraint("state IN ('active', 'parked', 'frozen')", name="state"),
)

#: A ledger account in one unit at one place: `` is the centre, else a node. `micros` is a cache.
location = Table(
    "location",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("place", Text, nullable=False),
    # None for the house's own accounts: they are the other side and may go anywhere.
    Column("floor", BigInteger),
    Column("micros", BigInteger, nullable=False),
    UniqueConstraint("account", "unit", "place"),
    CheckConstraint("place = '' OR micros >= 0", name="edge_not_negative"),
    Index(
        "ix_location_free",
        "account",
        sqlite_where=text("place = '' AND floor IS NOT NULL AND micros > 0"),
        postgresql_where=text("place = '' AND floor IS NOT NULL AND micros > 0"),
    ),
    Index("ix_location_place", "place", "account", "unit"),
)

entry = Table(
    "entry",
    metadata,
    Column("n", RowId, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reference", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Index(
        "ix_entry_return",
        "reference",
        sqlite_where=text("kind = 'return'"),
        postgresql_where=text("kind = 'return'"),
    ),
    Index(
        "ix_entry_refund",
        "reference",
        sqlite_where=text("kind = 'refund'"),
        postgresql_where=text("kind = 'refund'"),
    ),
)

posting = Table(
    "posting",
    metadata,
    Column("entry", RowId, ForeignKey("entry.n"), primary_key=True),
    Column("location", RowId, ForeignKey("location.id"), primary_key=True),
    Column("micros", BigInteger, nullable=False),
    Index("ix_posting_location", "location", "entry"),
    sqlite_with_rowid=False,
)

#: One direction of one named stream between an incarnation of a node and one of these books.
stream = Table(
    "stream",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("direction", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("ours", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Up: the watermark, what was applied. Down: the head, what was written.
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    # Down only: what the node has acknowledged.
    Column("acked_seq", BigInteger, nullable=False),
    Column("acked_hash", Text, nullable=False),
    CheckConstraint("direction IN ('up', 'down')", name="direction"),
    UniqueConstraint("node", "direction", "incarnation", "ours", "name"),
)

event = Table(
    "event",
    metadata,
    Column("stream", RowId, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("hash", Text, nullable=False),
    # The sender's exact text; erased by retention, which leaves the digest.
    Column("data", Text),
    Column("digest", Text),
    Column("type", Text, nullable=False),
    # applied and quarantined upwards, sent downwards.
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(
        "ix_event_quarantined",
        "stream",
        "seq",
        sqlite_where=text("state = 'quarantined'"),
        postgresql_where=text("state = 'quarantined'"),
    ),
)

charge = Table(
    "charge",
    metadata,
    Column("charge", Text, primary_key=True),
    # None when nothing was to pay.
    Column("entry", RowId, ForeignKey("entry.n")),
    Column("node", Text, nullable=False),
    # SHA-256 of the message, to tell a repetition from a contradiction.
    Column("content", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("user", Text, nullable=False),
    Column("printer", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("tariff_version", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("impressions", Integer),
    Column("color_impressions", Integer),
    Column("sheets", Integer),
    # JSON list of {account, unit, micros}.
    Column("paid", Text, nullable=False),
    Column("printed_above", Integer, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("settled_at", Instant, nullable=False),
    Index("ix_charge_job", "job"),
    sqlite_with_rowid=False,
)

reclaim = Table(
    "reclaim",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("up_to", BigInteger, nullable=False),
    # The funds request it serves; none when it is for parking, or for what is owed.
    Column("request", Text, ForeignKey("request.corr")),
    # request, parking or owed.
    Column("purpose", Text, nullable=False, server_default="request"),
    Column("state", Text, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    Index("ix_reclaim_account", "account", "unit"),
    Index(
        "uq_reclaim_open",
        "account",
        "unit",
        "node",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

#: A funds request that was acted on; its correlation id makes a repetition harmless.
request = Table(
    "request",
    metadata,
    Column("corr", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("coming", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
    # The job it is for, if it names one.
    Column("job", Text),
)

visit = Table(
    "visit",
    metadata,
    Column("account", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

job = Table(
    "job",
    metadata,
    Column("n", RowId, primary_key=True, autoincrement=False),
    Column("job", Text, nullable=False, unique=True),
    Column("node", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("printer", Text),
    Column("attempt", Integer, nullable=False),
    # JSON: every figure of every source.
    Column("counts", Text, nullable=False),
    Column("impressions", Integer),
    Column("charge", Text),
    Column("detail", Text, nullable=False),
    Column("flag", Text),
    Column("received_at", Instant),
    Column("updated_at", Instant, nullable=False),
    # Reason code of the last refusal, while nothing was released since.
    Column("refused", Text),
    # Its moments, a line each (`central.job_moments`).
    Column("life", Text, nullable=False, server_default=""),
    Index("ix_job_user", "user", "n"),
    Index("ix_job_node", "node", "n"),
    Index(
        "ix_job_printer",
        "printer",
        "n",
        sqlite_where=text("printer IS NOT NULL"),
        postgresql_where=text("printer IS NOT NULL"),
    ),
    # what people look for among millions that went well
    Index(
        "ix_job_state",
        "state",
        "n",
        sqlite_where=text("state <> 'completed'"),
        postgresql_where=text("state <> 'completed'"),
    ),
    Index(
        "ix_job_flagged",
        "n",
        sqlite_where=text("flag IS NOT NULL"),
        postgresql_where=text("flag IS NOT NULL"),
    ),
    Index(
        "ix_job_refused",
        "n",
        sqlite_where=text("refused IS NOT NULL"),
        postgresql_where=text("refused IS NOT NULL"),
    ),
    Index(
        "ix_job_copies",
        "n",
        sqlite_where=text("queue = ''"),
        postgresql_where=text("queue = ''"),
    ),
)

#: Which jobs came in on a day (since 1970, UTC): runs of their numbers. Numbers ascend as the books
#: hear of jobs; what a site tells after days alone begins another run of the old day.
job_span = Table(
    "job_span",
    metadata,
    Column("day", Integer, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: The register of people, cards, accounts, tariffs and printers, and what sites replicate.
directory_row = Table(
    "directory_row",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("n", BigInteger, nullable=False, unique=True),
    # JSON; none is a tombstone.
    Column("row", Text),
)

command = Table(
    "command",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, ForeignKey("node.id"), nullable=False),
    Column("command", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index(
        "ix_command_waiting",
        "node",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

api_token = Table(
    "api_token",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    # Rights with blanks between. NULL: from before there were any; it reads.
    Column("rights", Text),
    # Node ids with blanks between, or `*`. NULL: as `*`.
    Column("sites", Text),
    # It lets nobody in from then on. NULL: for ever.
    Column("expires_at", Instant),
)

#: What the interface answered to acts that came with a key: asked again, it answers the same.
api_answer = Table(
    "api_answer",
    metadata,
    # SHA-256 of the token.
    Column("token", Text, primary_key=True),
    # SHA-256 of the key that came with the request (`Idempotency-Key`).
    Column("key", Text, primary_key=True),
    # SHA-256 of the request.
    Column("request", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # The answer, sealed with the token itself: secrets are in some.
    Column("sealed", Text, nullable=False),
    Index("ix_api_answer_at", "at"),
    sqlite_with_rowid=False,
)
