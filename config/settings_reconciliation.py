"""Settings of comparing meters with money: from when on unexplained pages are worth an alert."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.settings_parts import Part


class ReconciliationSettings(Part):
    """An alert is raised about a device's day beyond both."""

    pages: Annotated[int, Field(ge=0)] = 20
    """Pages that nobody explains."""
    percent: Annotated[float, Field(ge=0, le=100)] = 2.0
    """The same of what the machine counted."""
