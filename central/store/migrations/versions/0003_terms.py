"""What sites may be and bear, what is owed, vocabulary of nodes."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Build the new schema."""
