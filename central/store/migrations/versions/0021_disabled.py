"""The few people who are disabled are found among the very many who are not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Build the new schema."""
    op.create_index(
        "ix_person_disabled",
        "person",
        ["folded", "name"],
        unique=False,
        sqlite_where=sa.text("enabled = 0"),
        postgresql_where=sa.text("NOT enabled"),
    )
