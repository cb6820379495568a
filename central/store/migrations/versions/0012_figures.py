"""Totals of figures, and who belonged to what: tables, and what the books have to begin with.

The totals themselves are rolled up from the first entry on by the coordinator, slice by slice:
nobody waits for millions of jobs before the books open.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Sequence

revision = "0012"
down_revision = "0011"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SLICE = 500


def upgrade() -> None:
    """Build the new schema; note what has no entry to be found by, and the groups of people."""
    _totals()
    _belonging()
    op.create_index(
        "ix_decision_refused",
        "decision",
        ["at", "reason", "printer"],
        unique=False,
        sqlite_where=sa.text("released IS 0"),
        postgresql_where=sa.text("released IS false"),
    )
    op.create_index(
        "ix_meter_booking_entry",
        "meter_booking",
        ["entry"],
        unique=False,
        sqlite_where=sa.text("entry IS NOT NULL"),
        postgresql_where=sa.text("entry IS NOT NULL"),
    )
    _note_what_was_free()
    _note_groups()


def _totals() -> None:
    op.create_table(
        "fact",
        sa.Column("view", sa.Integer(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("key", _PLAIN, nullable=False),
        sa.Column("node", _PLAIN, nullable=False),
        sa.Column("cohort", _ROW, nullable=False),
        sa.Column("service", _PLAIN, nullable=False),
        sa.Column("unit", _PLAIN, nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("color", sa.BigInteger(), nullable=False),
        sa.Column("sheets", sa.BigInteger(), nullable=False),
        sa.Column("two_sided", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("corrected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "view", "span", "key", "node", "cohort", "service", "unit", name=op.f("pk_fact")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_fact_day")),
    )
    op.create_table(
        "fact_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("doomed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_fact_mark_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_mark")),
    )
    op.create_table(
        "free_charge",
        sa.Column("n", _ROW, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_free_charge")),
    )


def _belonging() -> None:
    op.create_table(
        "cohort",
        sa.Column("id", _ROW, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort")),
        sa.UniqueConstraint("digest", name=op.f("uq_cohort_digest")),
    )
    op.create_table(
        "cohort_group",
        sa.Column("group", _PLAIN, nullable=False),
        sa.Column("cohort", _ROW, nullable=False),
        sa.ForeignKeyConstraint(["cohort"], ["cohort.id"], name=op.f("fk_cohort_group_cohort")),
        sa.PrimaryKeyConstraint("group", "cohort", name=op.f("pk_cohort_group")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "belonging",
        sa.Column("user", _PLAIN, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("cohort", _ROW, nullable=False),
        sa.ForeignKeyConstraint(["cohort"], ["cohort.id"], name=op.f("fk_belonging_cohort")),
        sa.PrimaryKeyConstraint("user", "since", name=op.f("pk_belonging")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_belonging_cohort", "belonging", ["cohort"], unique=False)


def _note_what_was_free() -> None:
    """Number what was booked without an entry; when that was is not known any more."""
    sql = op.get_bind()
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    sql.execute(
        sa.text(
            "INSERT INTO free_charge (n, kind, reference, at) "
            "SELECT row_number() OVER (ORDER BY charge), 'charge', charge, :now "
            "FROM charge WHERE entry IS NULL"
        ),
        {"now": now},
    )
    last = sql.execute(sa.text("SELECT count(*) FROM free_charge")).scalar_one()
    sql.execute(
        sa.text(
            "INSERT INTO free_charge (n, kind, reference, at) "
            "SELECT CAST(:last AS BIGINT) + row_number() OVER (ORDER BY reading), 'copies', "
            "CAST(reading AS TEXT), :now "
            "FROM meter_booking WHERE entry IS NULL AND state = 'booked'"
        ),
        {"now": now, "last": last},
    )


def _note_groups() -> None:
    """Take it that people always were in the groups that they are in: nothing older is known."""
    sql, after = op.get_bind(), ""
    known: dict[str, int] = {}
    page = sa.text(
        "SELECT key, \"row\" FROM directory_row WHERE kind = 'user' AND key > :after "
        "ORDER BY key LIMIT :limit"
    )
    while rows := sql.execute(page, {"after": after, "limit": _SLICE}).all():
        after = rows[-1].key
        belongs = [(row.key, sorted(set(json.loads(row.row)["groups"]))) for row in rows if row.row]
        members = [
            {"user": user, "cohort": _cohort(sql, known, groups)}
            for user, groups in belongs
            if groups
        ]
        if members:
            sql.execute(
                sa.text('INSERT INTO belonging ("user", since, cohort) VALUES (:user, 0, :cohort)'),
                members,
            )


def _cohort(sql: Any, known: dict[str, int], groups: Sequence[str]) -> int:  # noqa: ANN401  a connection
    digest = hashlib.sha256(json.dumps([groups, ""], ensure_ascii=False).encode()).hexdigest()
    if digest not in known:
        known[digest] = number = len(known) + 1
        sql.execute(
            sa.text("INSERT INTO cohort VALUES (:id, :digest, :groups, '')"),
            {
                "id": number,
                "digest": digest,
                "groups": json.dumps(groups, ensure_ascii=False),
            },
        )
        sql.execute(
            sa.text('INSERT INTO cohort_group ("group", cohort) VALUES (:group, :cohort)'),
            [{"group": group, "cohort": number} for group in groups],
        )
    return known[digest]
