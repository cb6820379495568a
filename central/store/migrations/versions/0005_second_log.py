"""The place of the second log, and recovery after a restore."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Build the new schema."""
