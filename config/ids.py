"""Names of nodes and things, and UUIDs ordered by time; the clock and the dice are arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, NewType
from uuid import UUID

from pydantic import StringConstraints

#: `[a-z0-9-]{1,32}`: one whole MQTT topic level, MQTT user name and client id of a node.
NODE_ID_PATTERN = r"^[a-z0-9-]{1,32}$"

NodeId = Annotated[str, StringConstraints(pattern=NODE_ID_PATTERN)]
#: IPP job-uuid (PWG 5100.13) without its `urn:uuid:` prefix.
JobId = NewType("JobId", UUID)
#: `kind:name`, for instance `user:ana`, `department:physics`; the organisation's own are `house:…`.
ACCOUNT_KEY_PATTERN = r"^[a-z]+:[^\s@]{1,120}$"
AccountKey = Annotated[str, StringConstraints(pattern=ACCOUNT_KEY_PATTERN)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7(now: datetime, dice: bytes) -> UUID:
    """Return a version 7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits.

    Args:
        now: an aware datetime not before 1970.
        dice: at least 10 random bytes.
    """
    milliseconds = (now - _EPOCH) // _MILLISECOND
    random = int.from_bytes(dice[:10], "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62
    return UUID(int=value | random & (1 << 62) - 1)
