"""Settings of documents that people send to the centre to have them printed at a site."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from config.settings_parts import Duration, Part

#: Octets of the largest document that any setting lets through: a page reads no longer body.
LARGEST: Final = 256 << 20
_SHORTEST = timedelta(minutes=5)
_LONGEST = timedelta(hours=24)


class UploadSettings(Part):
    """What the centre takes, and for how long it keeps what a site has not fetched."""

    enabled: bool = True
    """Offer it at all."""
    largest: Annotated[int, Field(ge=1 << 16, le=LARGEST)] = 64 << 20
    """Octets of one document."""
    files: Annotated[int, Field(ge=1, le=1000)] = 10
    """Documents of one person that are on their way."""
    person: Annotated[int, Field(ge=1 << 16, le=1 << 40)] = 200 << 20
    """Octets of them."""
    total: Annotated[int, Field(ge=1 << 16, le=1 << 44)] = 4 << 30
    """Octets of everybody's."""
    kept: Duration = timedelta(hours=4)
    """For how long one waits for a site that works alone; then it is deleted and its owner told."""
    office: str = "soffice"
    """The program of LibreOffice that makes PDF of office documents: its name, or its path. Empty,
    or not installed: they are not taken."""
    office_seconds: Annotated[int, Field(ge=5, le=600)] = 60
    """How long that may take for one document."""
    office_memory: Annotated[int, Field(ge=256 << 20, le=1 << 40)] = 4 << 30
    """Octets of address space that it may have."""

    @model_validator(mode="after")
    def _it_fits(self) -> Self:
        if not self.largest <= self.person <= self.total:
            raise ValueError("largest at most person, and person at most total")
        if not _SHORTEST <= self.kept <= _LONGEST:
            raise ValueError("kept between 5min and 24h: documents live at sites, not here")
        return self
