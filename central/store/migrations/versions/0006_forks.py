"""Branches of forked journals, and what was written off."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Build the new schema."""
