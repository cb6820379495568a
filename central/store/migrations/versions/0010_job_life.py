"""Jobs' whole lives, finding them among millions, and what is kept of people."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_DAY = 86_400_000_000


def upgrade() -> None:
    """Build the new schema."""
    op.add_column("job", sa.Column("refused", sa.Text()))
    op.add_column("job", sa.Column("life", sa.Text(), nullable=False, server_default=""))
    for name, columns, where in (
        ("ix_job_printer", ["printer", "n"], "printer IS NOT NULL"),
        ("ix_job_state", ["state", "n"], "state <> 'completed'"),
        ("ix_job_flagged", ["n"], "flag IS NOT NULL"),
        ("ix_job_refused", ["n"], "refused IS NOT NULL"),
        ("ix_job_copies", ["n"], "queue = ''"),
    ):
        condition = sa.text(where)
        op.create_index(
            name,
            "job",
            columns,
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    op.create_index("ix_charge_job", "charge", ["job"], unique=False)
    op.create_table(
        "job_span",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "first", name=op.f("pk_job_span")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "privacy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_privacy_one")),
        sa.CheckConstraint("names IN ('keep', 'hash', 'hide')", name=op.f("ck_privacy_names")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy")),
    )
    op.create_table(
        "retention_mark",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("older_than", sa.BigInteger()),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_retention_mark")),
        sqlite_with_rowid=False,
    )
    key = sa.text("INSERT INTO privacy (id, names, key) VALUES (1, 'keep', :key)")
    op.execute(key.bindparams(key=secrets.token_hex(32)))
    # what waits and was refused last: of released jobs nobody asks any more
    op.execute(
        "UPDATE job SET refused = (SELECT decision.reason FROM decision "
        "WHERE decision.job = job.job AND decision.reason <> '') WHERE state = 'pending-held'"
    )
    # one run a day: days of sites that told late are wider than they need be, and that is all
    spans = sa.text(
        "INSERT INTO job_span (day, first, last) "
        "SELECT day, min(n), max(n) FROM "
        "(SELECT received_at / :day AS day, n FROM job WHERE received_at IS NOT NULL) AS days "
        "GROUP BY day"
    )
    op.execute(spans.bindparams(day=_DAY))
