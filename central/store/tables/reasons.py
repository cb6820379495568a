"""Why jobs cost what they cost: the last decision on each, and every set of rules there was."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from central.store.tables.base import Instant, metadata

#: The last decision on a job as its edge recorded it; none from edges that recorded no reasons.
decision = Table(
    "decision",
    metadata,
    Column("job", Text, primary_key=True),
    # False: refused, or something was to be answered first.
    Column("released", Boolean, nullable=False),
    # Of a refusal; empty for a release.
    Column("reason", Text, nullable=False),
    # Device id; none when it was asked for at none that there is.
    Column("printer", Text),
    Column("redirected_from", Text),
    Column("attempt", Integer, nullable=False),
    Column("rules_version", BigInteger, nullable=False),
    Column("tariff_version", BigInteger, nullable=False),
    # JSON object: IPP attribute → its new value.
    Column("conversions", Text, nullable=False),
    # JSON list of {code, text, rule}.
    Column("because", Text, nullable=False),
    # JSON list of {account, unit, micros, covered_by}.
    Column("held", Text, nullable=False),
    # When the books heard of it.
    Column("at", Instant, nullable=False),
    # For counts by reason: the index has all that they need.
    Index(
        "ix_decision_refused",
        "at",
        "reason",
        "printer",
        sqlite_where=text("released IS 0"),
        postgresql_where=text("released IS false"),
    ),
    sqlite_with_rowid=False,
)

#: Never changed: a decision names the version it was made by.
rule_set = Table(
    "rule_set",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    # JSON, as it went into the directory.
    Column("rules", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
