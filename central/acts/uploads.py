"""People's documents for a site: taken in within bounds, taken back while they are still here.

A site that works alone is not asked; a document waits for it here, visibly and for a few hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from central.acts.by import By, signed
from central.store import audit, overview, uploads
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from central.store.books import Transaction
    from central.store.overview import SiteGlance
    from central.store.uploads import Upload
    from central.uploads.files import Kept
    from config.settings_uploads import UploadSettings

#: Nodes that speak this wire, or a newer one, can take a document.
WIRE: Final = 5
_HOLDING: Final = frozenset[str](name for name, role in ROLES.items() if role.holds)


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing was entered; the file is to be removed."""

    why: Literal["site", "many", "large", "full"]
    """site: it cannot be sent there; many: too many of theirs are on their way; large: together
    they are too large; full: there is no room for anybody's."""


def offered(tx: Transaction) -> tuple[SiteGlance, ...]:
    """Return the sites that documents can be sent to, linked or not, by name.

    Not those whose program is older than such documents, that hold nothing, or are not listened to.
    """
    able = uploads.speaking(tx, WIRE)
    return tuple(
        each
        for each in overview.sites(tx)
        if each.state in {"linked", "alone", "out"} and each.role in _HOLDING and each.node in able
    )


def send(
    tx: Transaction,
    by: By,
    settings: UploadSettings,
    *,
    user: str,
    site: str,
    name: str,
    kind: str,
    kept: Kept,
    options: Mapping[str, Any],
) -> UUID | NotTaken:
    """Enter a document for a site.

    Args:
        tx: a writing transaction.
        by: who does it.
        settings: the bounds.
        user: whose it is.
        site: the site's edge.
        name: what they call it.
        kind: what it is, by its content.
        kept: where it lies.
        options: how it is to be printed: copies, sides, print_color_mode.
    """
    if site not in {each.node for each in offered(tx)}:
        return NotTaken("site")
    theirs, everybodys = uploads.taken(tx, user), uploads.taken(tx)
    if theirs.documents >= settings.files:
        return NotTaken("many")
    if theirs.octets + kept.octets > settings.person:
        return NotTaken("large")
    if everybodys.octets + kept.octets > settings.total:
        return NotTaken("full")
    id_ = uploads.enter(
        tx,
        user=user,
        node=site,
        name=name,
        kind=kind,
        file=kept.file,
        octets=kept.octets,
        sha256=kept.sha256,
        options=dict(options),
        ends_at=tx.now + settings.kept,
    )
    # without its name: what people call their documents is theirs
    detail = {"node": site, "kind": kind, "octets": kept.octets}
    audit.note(
        signed(tx, by), author=by.author, act="document send", target=f"upload:{id_}", detail=detail
    )
    return id_


def withdraw(tx: Transaction, by: By, id_: UUID, *, user: str) -> Upload | None:
    """Take a document back that its site does not have; its file is to be removed then.

    Returns:
        What it was; None: there is none of theirs, or it is over.
    """
    found = uploads.find(tx, id_)
    if found is None or found.user != user or not uploads.end(tx, found, "withdrawn"):
        return None
    audit.note(signed(tx, by), author=by.author, act="document withdraw", target=f"upload:{id_}")
    return found
