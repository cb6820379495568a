"""The directory on its way down: versioned rows, snapshots, revocations."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from broker.messages.base import Digest, Message, Part, Sequence


class DirectoryRow(Part):
    """One row, or a tombstone."""

    kind: Literal["user", "card", "account", "tariff", "printer", "setting"]
    """Which table (models in broker.directory)."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """Its key within the kind."""
    n: Sequence
    """Its version under the message's epoch; a row applies only if newer."""
    row: dict[str, Any] | None
    """The row; none is a tombstone."""


class DirectoryRows(Message):
    """A delta, a slice of a snapshot, or revocations sent early."""

    TYPE: ClassVar[str] = "printmesh.directory.v1"
    epoch: Sequence
    """Versions are compared as (epoch, n)."""
    kind: Literal["delta", "snapshot", "revocations"]
    """Revocations apply early and do not move the cursor; snapshots are staged, swapped whole."""
    since: Sequence = 0
    """Delta: applies when the cursor is at or beyond this."""
    upto: Sequence
    """The cursor afterwards."""
    snapshot: UUID | None = None
    """Which snapshot this is a slice of."""
    part: Annotated[int, Field(ge=0)] = 0
    """0, 1, 2 … within the snapshot."""
    last: bool = True
    """The snapshot is complete with this part."""
    digest: Digest | None = None
    """Digest over all rows at `upto`, with the last part."""
    rows: tuple[DirectoryRow, ...]
    """In order of n."""
