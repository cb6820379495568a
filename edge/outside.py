"""The time and fresh ids, as the running edge has them; whatever decides is given them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from config.ids import uuid7

if TYPE_CHECKING:
    from uuid import UUID


def clock() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def mint(now: datetime) -> UUID:
    """Return a fresh id."""
    return uuid7(now, secrets.token_bytes(10))
