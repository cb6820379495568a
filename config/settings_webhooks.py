"""Settings of what the centre tells other programs over HTTPS."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import (
    IPv4Network,
    IPv6Network,
)
from pathlib import Path
from typing import Self

from pydantic import model_validator

from config.settings_parts import Duration, Part


class WebhookSettings(Part):
    """Where it may go, and how long it may take; `central webhook add` says what goes where."""

    enabled: bool = True
    """False: nothing is sent; what is to be told waits. For a copy of the books that is tried."""
    allow_private: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of the house that messages may go to, there also by `http://`; without, only the
    public internet is told anything."""
    ca: Path | None = None
    """PEM file of the authority to trust besides the system's."""
    timeout: Duration = timedelta(seconds=15)
    """How long a receiver may take for one message, from looking its name up to its answer."""

    @model_validator(mode="after")
    def _patience_is_bounded(self) -> Self:
        if not timedelta(milliseconds=100) <= self.timeout <= timedelta(minutes=2):
            raise ValueError("timeout between 100ms and 2min")
        return self
