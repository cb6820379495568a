"""Where the edge itself is reached by what is on the same machine: its broker, its spooler."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from config.settings import LinkSettings
from edge.asking import SITE_LONGEST_PAUSE

if TYPE_CHECKING:
    from config.settings import EdgeSettings


def listening(settings: EdgeSettings) -> Path | None:
    """Say where the spooler's events arrive: beside its own socket, where its user can go.

    None, when it shall not push.
    """
    if not settings.cups.notifier:
        return None
    server = Path(settings.cups.server)
    beside = server.parent if os.access(server.parent, os.W_OK) else settings.data
    return beside / f"{settings.node}.sock"


def link_to(host: str, port: int, secret: str) -> LinkSettings:
    """Return how the edge's own desk reaches the site's broker."""
    return LinkSettings(
        host=host, port=port, secret=SecretStr(secret), longest_pause=SITE_LONGEST_PAUSE
    )
