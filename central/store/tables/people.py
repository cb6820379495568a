"""What the books know of people beside the directory row, which the sites have as well."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text, text

from central.store.tables.base import Instant, metadata

#: Compared octet by octet in every database, so that one range has all that begins alike.
Plain = Text().with_variant(Text(collation="C"), "postgresql")

#: One row for each live user row of the directory; `central.store.person` keeps them in step.
person = Table(
    "person",
    metadata,
    Column("name", Plain, primary_key=True),
    # As in the directory row, so that a list needs nothing else.
    Column("display", Text, nullable=False),
    # JSON list, in the order of the row.
    Column("groups", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    # What people read, folded: the order of lists.
    Column("folded", Plain, nullable=False),
    Column("email", Plain, nullable=False, server_default=""),
    Column("department", Plain, nullable=False, server_default=""),
    # Who tells of this person: `local`, `csv`, `guest`, `oidc` or `ldap:NAME`.
    Column("source", Plain, nullable=False, server_default="local"),
    # What that calls the person for ever: entryUUID, objectGUID.
    Column("source_id", Plain, nullable=False, server_default=""),
    # JSON list: which of the groups that tells; the others were given here, and stay.
    Column("told_groups", Text, nullable=False, server_default="[]"),
    # Guests: who vouches for them.
    Column("sponsor", Plain, nullable=False, server_default=""),
    # Disabled from then on.
    Column("expires_at", Instant),
    # Disabled by no person: `left` (the source has them no more), `expired`; enabled: none.
    Column("ended", Text, nullable=False, server_default=""),
    Column("entered_at", Instant),
    Column("last_seen", Instant),
    Index("ix_person_folded", "folded", "name"),
    Index("ix_person_email", "email"),
    Index("ix_person_department", "department", "folded", "name"),
    Index("ix_person_source", "source", "source_id"),
    # a list of them, in its order, among very many who are enabled
    Index(
        "ix_person_disabled",
        "folded",
        "name",
        sqlite_where=text("enabled = 0"),
        postgresql_where=text("NOT enabled"),
    ),
    Index(
        "ix_person_expiring",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL"),
        postgresql_where=text("expires_at IS NOT NULL"),
    ),
)

#: Words that begin with what is typed stand together.
person_word = Table(
    "person_word",
    metadata,
    Column("word", Plain, primary_key=True),
    Column("user", Plain, primary_key=True),
    Index("ix_person_word_user", "user", "word"),
    sqlite_with_rowid=False,
)

person_group = Table(
    "person_group",
    metadata,
    Column("group", Plain, primary_key=True),
    Column("user", Plain, primary_key=True),
    Index("ix_person_group_user", "user"),
    sqlite_with_rowid=False,
)

#: Whose cards are which: the directory finds them by card only.
card_holder = Table(
    "card_holder",
    metadata,
    Column("card", Plain, primary_key=True),
    Column("user", Plain, nullable=False),
    # Who told of it, as of people; it takes away only its own.
    Column("source", Plain, nullable=False, server_default=""),
    Index("ix_card_holder_user", "user", "card"),
    sqlite_with_rowid=False,
)

#: How a source of people stands: its last import, and the next one.
people_source = Table(
    "people_source",
    metadata,
    # `ldap:NAME` or `csv`.
    Column("source", Text, primary_key=True),
    # done, partial (some of it is applied), braked or failed.
    Column("state", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # The last import that was carried out whole.
    Column("done_at", Instant),
    # The next one of itself; none: only when somebody says so.
    Column("due", Instant),
    # JSON: how many were added, changed, disabled …
    Column("counts", Text, nullable=False),
    # What was wrong, for people.
    Column("remark", Text, nullable=False),
    Column("author", Text, nullable=False),
)
