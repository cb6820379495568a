"""Documents that come from the centre, as the journal keeps them: each becomes one job, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from tinydb import where

if TYPE_CHECKING:
    from datetime import datetime

    from edge.store.lent import Lent

_DOCUMENT: Final = "document"


class Incoming(BaseModel):
    """One document."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    upload: UUID
    """The centre's id; nobody but centre and site knows it before the job is there."""
    user: str
    """Whose job it is to be."""
    name: str
    """job-name; forgotten when it is over."""
    octets: int
    """How many it has."""
    sha256: str
    """Of all of them."""
    options: dict[str, str] = Field(default_factory=dict)
    """IPP attributes to submit it with."""
    at: AwareDatetime
    """When the centre first told of it."""
    state: Literal["coming", "held", "refused"] = "coming"
    job: UUID | None = None
    """job-uuid, once it is held."""
    code: str = ""
    """Why it is refused, for machines."""
    detail: str = ""
    """The same for people."""

    @property
    def mark(self) -> str:
        """What the spooler's job is known by."""
        return mark_of(self.upload)

    def with_(self, **changes: object) -> Incoming:
        """Return a changed copy, checked."""
        return Incoming.model_validate({**dict(self), **changes})


def mark_of(upload: UUID) -> str:
    """Return what the spooler's job of a document is known by."""
    return f"{upload}:{_DOCUMENT}"


def upload_of(mark: str) -> UUID | None:
    """Return the document that a spooler's job with this mark is; None: it is none."""
    first, _, rest = mark.partition(":")
    if rest != _DOCUMENT:
        return None
    try:
        return UUID(first)
    except ValueError:
        return None


class DocumentsKept:
    """The documents of one journal."""

    def __init__(self, lent: Lent) -> None:
        """Take what the books lend."""
        self._database = lent.database
        self._rows = lent.database.table("documents")

    def find(self, upload: UUID) -> Incoming | None:
        """Return one; None: it was never told of, or long ago."""
        row = self._rows.find("upload", str(upload))
        return None if row is None else Incoming.model_validate(row)

    def coming(self) -> list[Incoming]:
        """Return those that are on their way, oldest first."""
        rows = self._rows.search(where("state") == "coming")
        return sorted(map(Incoming.model_validate, rows), key=lambda each: each.at)

    def keep(self, document: Incoming) -> None:
        """Store one; durable when it returns, alone or with the record that is being made.

        Raises:
            StoreUnwritableError: it is as it was.
        """
        row = document.model_dump(mode="json")
        self._rows.upsert(row, where("upload") == row["upload"])

    def became(self, upload: UUID, job: UUID) -> None:
        """Store which job one is, if it is not known already."""
        found = self.find(upload)
        if found is not None and found.job is None:
            self.keep(found.with_(state="held", job=job, name=""))

    def forget(self, before: datetime) -> None:
        """Drop those that are over and were told of before a moment."""
        with self._database.transaction():
            for row in self._rows.all():
                found = Incoming.model_validate(row)
                if found.state != "coming" and found.at < before:
                    self._rows.remove(where("upload") == str(found.upload))
