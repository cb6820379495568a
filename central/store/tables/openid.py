"""Tables of signing in by others: who is whom there, and people who ask to be let in."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from central.store.tables.base import Instant, RowId, metadata
from central.store.tables.people import Plain

#: Who somebody is at a provider of OpenID Connect; that never changes there, names may.
openid_subject = Table(
    "openid_subject",
    metadata,
    Column("issuer", Plain, primary_key=True),
    Column("subject", Plain, primary_key=True),
    Column("user", Plain, nullable=False),
    Column("made_at", Instant, nullable=False),
    UniqueConstraint("user", "issuer"),
    sqlite_with_rowid=False,
)

#: Somebody who asks to be let in as a guest; nobody yet, neither here nor at any site.
registration = Table(
    "registration",
    metadata,
    Column("n", RowId, primary_key=True),
    # Keyed mark of the code that they show at the desk.
    Column("mark", Text, nullable=False, unique=True),
    # The user name that they will have.
    Column("name", Plain, nullable=False, unique=True),
    Column("display", Text, nullable=False),
    Column("email", Text, nullable=False),
    # argon2id hash in PHC form.
    Column("password", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    # It is forgotten then.
    Column("ends_at", Instant, nullable=False),
    Index("ix_registration_ends", "ends_at"),
)
