"""A site may be sent the whole directory again, on wish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Build the new schema."""
    op.add_column("node", sa.Column("resync_at", sa.BigInteger()))
