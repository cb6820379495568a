"""Tables of the centre's pages: the organisation, its staff, sessions, tries, second factors."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from central.store.tables.base import Instant, RowId, metadata

#: One row once the centre is set up: whose pages these are.
organisation = Table(
    "organisation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: At most one row: the code that lets somebody set the centre up in a browser.
setup_code = Table(
    "setup_code",
    metadata,
    Column("id", Integer, primary_key=True),
    # SHA-256 of 120 random bits.
    Column("digest", Text, nullable=False),
    # Wrong ones since it was made.
    Column("tries", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: A role that a user of the directory has.
staff = Table(
    "staff",
    metadata,
    Column("user", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    # Node ids with blanks between, or `*`.
    Column("sites", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

#: A browser that somebody is signed in with, or half-way.
web_session = Table(
    "web_session",
    metadata,
    Column("n", RowId, primary_key=True),
    # SHA-256 of the 256 random bits of its cookie.
    Column("digest", Text, nullable=False, unique=True),
    Column("user", Text, nullable=False),
    # password: the second factor is still to come; full.
    Column("stage", Text, nullable=False),
    # Whether a second factor was shown in it.
    Column("proven", Boolean, nullable=False),
    Column("remember", Boolean, nullable=False),
    # What stands for the password that began it: with another one it is over. Empty: by other ways.
    Column("mark", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    # To the minute or so.
    Column("seen_at", Instant, nullable=False),
    # No right of any kind lasts beyond; for tidying up.
    Column("ends_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    CheckConstraint("stage IN ('password', 'full')", name="stage"),
    Index("ix_web_session_user", "user", "n"),
    Index("ix_web_session_ends", "ends_at"),
)

#: Tries to sign in, by what they are counted for; the names themselves are not kept.
sign_in_try = Table(
    "sign_in_try",
    metadata,
    # HMAC of `name`, `address` or `factor` and whose.
    Column("mark", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index("ix_sign_in_try_last", "last_at"),
    sqlite_with_rowid=False,
)

#: Somebody's authenticator.
second_factor = Table(
    "second_factor",
    metadata,
    Column("user", Text, primary_key=True),
    # Its secret, sealed with the centre's.
    Column("sealed", Text, nullable=False),
    # Whether a code of it was shown once.
    Column("confirmed", Boolean, nullable=False),
    # The newest step of which a code was taken: each is good once.
    Column("step", BigInteger),
    Column("made_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

#: Codes for whoever lost the authenticator, good once each.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user", Text, primary_key=True),
    # SHA-256 of 80 random bits.
    Column("digest", Text, primary_key=True),
    Column("used_at", Instant),
    sqlite_with_rowid=False,
)
