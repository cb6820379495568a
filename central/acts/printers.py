"""Points of print: entered, changed, taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from broker.directory import PrinterRow
from central.acts.by import By, signed
from central.store import audit, directory, nodes
from central.store.ledger import Refused
from config.ids import NODE_ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.books import Transaction

_LONGEST: Final = 120
_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be so of a point of print; None stays as it is."""

    node: str | None = None
    """The edge whose site it stands at."""
    name: str | None = None
    """What people call it."""
    tags: Sequence[str] | None = None
    """For rules."""
    copies: bool | None = None
    """Copies are charged, by a terminal beside it."""


def find(tx: Transaction, device: str) -> PrinterRow | Refused:
    """Return a point of print, or say that there is none."""
    row = directory.get(tx, "printer", device)
    if row is None:
        return Refused(f"there is no printer {device!r}")
    return PrinterRow.model_validate(row)


def enter(tx: Transaction, by: By, device: str, wishes: Wishes) -> PrinterRow | Refused:
    """Enter a point of print, or change where it stands and how it is tagged."""
    if not re.fullmatch(NODE_ID_PATTERN, device):
        return Refused(f"{device!r} is no device id; it is 1 to 32 of a-z, 0-9 and -")
    before = directory.get(tx, "printer", device)
    if before is None and wishes.node is None:
        return Refused("say at which edge's site it stands")
    if (wrong := _wrong(tx, wishes)) is not None:
        return wrong
    known = before or {"name": device}
    row = _changed(PrinterRow(**{"device": device, "node": wishes.node, **known}), wishes)
    directory.put(tx, "printer", device, row)
    audit.note(
        signed(tx, by),
        author=by.author,
        act="printer add",
        target=device,
        detail={"node": row.node, "tags": row.tags},
        before=before,
        after=row.model_dump(mode="json"),
    )
    return row


def change(tx: Transaction, by: By, device: str, wishes: Wishes) -> PrinterRow | Refused:
    """Change what is given of a point of print; the rest stays."""
    before = find(tx, device)
    if isinstance(before, Refused):
        return before
    if (wrong := _wrong(tx, wishes)) is not None:
        return wrong
    row = _changed(before, wishes)
    was, now = before.model_dump(mode="json"), row.model_dump(mode="json")
    changed = [name for name in now | was if now.get(name) != was.get(name)]
    if not changed:
        return row
    directory.put(tx, "printer", device, row)
    audit.note(
        signed(tx, by),
        author=by.author,
        act="printer set",
        target=device,
        detail={name: now.get(name) for name in changed},
        before={name: was.get(name) for name in changed},
        after={name: now.get(name) for name in changed},
    )
    return row


def remove(tx: Transaction, by: By, device: str) -> PrinterRow | Refused:
    """Take a point of print away."""
    before = find(tx, device)
    if isinstance(before, Refused):
        return before
    directory.remove(tx, "printer", device)
    told = before.model_dump(mode="json")
    audit.note(signed(tx, by), author=by.author, act="printer remove", target=device, before=told)
    return before


def _wrong(tx: Transaction, wishes: Wishes) -> Refused | None:
    if wishes.node is not None:
        found = nodes.find(tx, wishes.node)
        if found is None or found.kind != "edge":
            return Refused(f"there is no edge {wishes.node}")
    if wishes.name is not None and not (0 < len(wishes.name.strip()) <= _LONGEST):
        return Refused("a name is needed; people read it at the machine")
    if wishes.name is not None and not wishes.name.isprintable():
        return Refused("a name is one line that people can read")
    tags = wishes.tags or ()
    if len(tags) > _TAGS or any(not 0 < len(t) <= _LONGEST or not t.isprintable() for t in tags):
        return Refused(f"up to {_TAGS} tags, each a short word for rules")
    return None


def _changed(row: PrinterRow, wishes: Wishes) -> PrinterRow:
    wished = {
        "node": wishes.node,
        "name": None if wishes.name is None else wishes.name.strip(),
        "tags": None if wishes.tags is None else tuple(dict.fromkeys(wishes.tags)),
        "copies": wishes.copies,
    }
    return row.model_copy(update={key: value for key, value in wished.items() if value is not None})
