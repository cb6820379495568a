"""What tables of settings are made of: the frozen table itself, and durations as people write them.

Apart from `settings.py`, so that what it is put together of can use them too.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

_DURATION = re.compile(r"\s*([0-9]{1,9})\s*(ms|s|min|h|d)\s*")
_UNITS = {"ms": "milliseconds", "s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    """Read `250ms`, `30s`, `15min`, `24h` or `30d`."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError("a duration such as 250ms, 30s, 15min, 24h or 30d")


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Part(BaseModel):
    """A table within the settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
