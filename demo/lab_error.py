"""What can go wrong in the lab itself."""

from __future__ import annotations

from config.errors import PrintmeshError


class LabError(PrintmeshError):
    """The lab could not be set up, a command in it failed, or something did not come true."""
