"""Why jobs cost what they cost."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Build the new schema."""
