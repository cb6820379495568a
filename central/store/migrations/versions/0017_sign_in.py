"""Signing in by others: who is whom at a provider, and people who ask to be let in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Build the new schema."""
    op.create_table(
        "openid_subject",
        sa.Column("issuer", _PLAIN, nullable=False),
        sa.Column("subject", _PLAIN, nullable=False),
        sa.Column("user", _PLAIN, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_openid_subject")),
        sa.UniqueConstraint("user", "issuer", name=op.f("uq_openid_subject_user_issuer")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registration",
        sa.Column("n", _ROW, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("name", _PLAIN, nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_registration")),
        sa.UniqueConstraint("mark", name=op.f("uq_registration_mark")),
        sa.UniqueConstraint("name", name=op.f("uq_registration_name")),
    )
    op.create_index("ix_registration_ends", "registration", ["ends_at"], unique=False)
