"""Rows of a machine's tables out of single objects; pure, and suspicious of every type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from edge.devices import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.devices.oids import Oid, Value

#: Column → what one row has there.
Row: TypeAlias = "dict[Oid, Value]"
#: No table that is read here has an index of more parts, its device among them; a machine may
#: answer with 128, and such a key fits no message.
_LONGEST: Final = 8


def rows(values: Mapping[Oid, Value], *columns: Oid, device: int | None = None) -> dict[Oid, Row]:
    """Put rows together, in the order of their indices.

    Args:
        values: objects as read.
        columns: identifiers of columns, without rows.
        device: take rows of this hrDeviceIndex only, and leave it off their index.
    """
    cells: dict[Oid, list[tuple[Oid, Value]]] = {column: [] for column in columns}
    sizes = {len(column) for column in columns}
    for oid, value in values.items():  # once for all columns: it is most of what a look costs
        for size in sizes:
            if size < len(oid) <= size + _LONGEST and (there := cells.get(oid[:size])) is not None:
                there.append((oid[size:], value))
    found: dict[Oid, Row] = {}
    for column, those in cells.items():
        for index, value in those:
            if device is None:
                found.setdefault(index, {})[column] = value
            elif index[0] == device and len(index) > 1:
                found.setdefault(index[1:], {})[column] = value
    return dict(sorted(found.items()))


def number(value: Value | None) -> int | None:
    """Return a number; None for anything else."""
    return value if isinstance(value, int) else None


def text(value: Value | None) -> str:
    """Return text fit for people; empty for numbers and where there is nothing."""
    return texts.name(value) if isinstance(value, bytes | str) else ""
