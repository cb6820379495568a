"""Table of documents that people sent here, until their site has them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text

from central.store.tables.base import Instant, RowId, metadata

#: A document on its way to a site; what it holds is a file beside the books.
upload = Table(
    "upload",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    # Whose it is.
    Column("user", Text, nullable=False),
    # The site's edge.
    Column("node", Text, nullable=False),
    # As people called it.
    Column("name", Text, nullable=False),
    # What it is, by its content: pdf, png, jpeg, tiff, text.
    Column("kind", Text, nullable=False),
    # Name of the file; random.
    Column("file", Text, nullable=False),
    Column("octets", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    # How it is to be printed: IPP attributes and their values, as JSON.
    Column("options", Text, nullable=False),
    # waiting: its site was not told; sent: it was; held: it has it; the others are over, too.
    Column("state", Text, nullable=False),
    # The command that told the site, and when.
    Column("command", Text),
    Column("asked_at", Instant),
    Column("made_at", Instant, nullable=False),
    # The file is deleted then, whatever became of it.
    Column("ends_at", Instant, nullable=False),
    Column("over_at", Instant),
    # The job at the site that it became.
    Column("job", Text),
    # Why it was refused: for machines, and the site's own words.
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    CheckConstraint(
        "state IN ('waiting', 'sent', 'held', 'refused', 'expired', 'withdrawn')", name="state"
    ),
    Index("ix_upload_user", "user", "n"),
    Index("ix_upload_state", "state", "n"),
    Index("ix_upload_over", "over_at"),
)
