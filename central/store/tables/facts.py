"""The tables of figures: totals rolled up from charges, and what they are rolled up by."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from central.store.tables.base import Instant, RowId, metadata

#: Compared octet by octet in every database: the keys are long, and sums are grouped by them.
_Plain = Text().with_variant(Text(collation="C"), "postgresql")

#: One total: see `central.figures.folding` for views and measures, `…periods` for spans.
fact = Table(
    "fact",
    metadata,
    Column("view", Integer, primary_key=True),
    # 20261123 a day, 20261100 a month, 20269400 a quarter, 20260000 a year.
    Column("span", Integer, primary_key=True),
    # Printer, person or account, by the view; before the site, as one person's are asked for often.
    Column("key", _Plain, primary_key=True),
    # Empty for what belongs to no site.
    Column("node", _Plain, primary_key=True),
    # Groups and department of the person at that time; 0: none known.
    Column("cohort", RowId, primary_key=True),
    Column("service", _Plain, primary_key=True),
    Column("unit", _Plain, primary_key=True),
    Column("jobs", BigInteger, nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("color", BigInteger, nullable=False),
    Column("sheets", BigInteger, nullable=False),
    # Sheets with something on both sides.
    Column("two_sided", BigInteger, nullable=False),
    # Micros of the unit.
    Column("charged", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    # Given to accounts by hand; negative: taken.
    Column("corrected", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Days that have totals, and up to which view they are in the longer spans as well.
fact_day = Table(
    "fact_day",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("closed", Integer, nullable=False),
)

#: One row: how far the books are rolled up; moved in the transaction that adds to the totals.
fact_mark = Table(
    "fact_mark",
    metadata,
    Column("id", Integer, primary_key=True),
    # Whose days.
    Column("zone", Text, nullable=False),
    # The last entry of the ledger that is in the totals, and the last free charge.
    Column("entry", BigInteger, nullable=False),
    Column("free", BigInteger, nullable=False),
    # Made anew: what is there goes first.
    Column("doomed", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: What was booked without an entry, as nothing was to pay, in the order of booking.
free_charge = Table(
    "free_charge",
    metadata,
    Column("n", RowId, primary_key=True, autoincrement=False),
    # `charge`, or `copies` of a meter.
    Column("kind", Text, nullable=False),
    # The charge's id, or the reading's number.
    Column("reference", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

#: A set of groups with a department, as some people have it or had it.
cohort = Table(
    "cohort",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    # SHA-256 of both, since groups may be many.
    Column("digest", Text, nullable=False, unique=True),
    # JSON list, sorted.
    Column("groups", Text, nullable=False),
    Column("department", Text, nullable=False),
)

cohort_group = Table(
    "cohort_group",
    metadata,
    Column("group", _Plain, primary_key=True),
    Column("cohort", RowId, ForeignKey("cohort.id"), primary_key=True),
    # totals are by cohort, and asked for by group
    Index("ix_cohort_group_cohort", "cohort"),
    sqlite_with_rowid=False,
)

#: Which cohort a person belongs to from when on; never changed, so that figures stay as they were.
belonging = Table(
    "belonging",
    metadata,
    Column("user", _Plain, primary_key=True),
    Column("since", Instant, primary_key=True),
    Column("cohort", RowId, ForeignKey("cohort.id"), nullable=False),
    Index("ix_belonging_cohort", "cohort"),
    sqlite_with_rowid=False,
)
