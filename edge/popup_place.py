"""Where a pop-up reaches this site, and the entry that lets one in which the centre asked for.

The centre sends a hash and keeps the secret to itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from socket import getfqdn
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from broker.credentials import CredentialError, CredentialFile
from broker.topics import Party
from edge.asking import OPERATOR
from edge.popup_authority import own_authority
from edge.site_broker import DESK, terminals_file

if TYPE_CHECKING:
    from config.settings import EdgeSettings

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with
_HERE_ONLY: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class PopupWish(BaseModel):
    """Arguments of the command `enrol-popup`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """Whose it is to be."""
    node: Annotated[str, StringConstraints(pattern=r"^popup-[a-z0-9-]{1,26}$")]
    """The pop-up's id."""
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of its secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """How workstations reach the site's broker; as a token says it."""

    host: str
    port: int
    tls: bool
    authority: str | None

    def told(self) -> dict[str, Any]:
        """Return it for the wire."""
        return {
            "host": self.host, "port": self.port, "tls": self.tls, "authority": self.authority
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoPlace:
    """No pop-up can be enrolled here."""

    reason: str
    """One sentence for people."""


def place(settings: EdgeSettings) -> Place | NoPlace:
    """Return how workstations reach this site."""
    site = settings.site_broker
    if site.tls_client_ca is not None:
        return NoPlace("this site asks a certificate of every terminal; a pop-up has none")
    if site.port == 0:
        return NoPlace("this site's broker takes another port each time; its settings name none")
    if site.host in _HERE_ONLY:
        return NoPlace("this site's broker listens on its own machine only")
    where = getfqdn() if site.host in _EVERYWHERE else site.host
    certificate = site.tls_certificate
    if certificate is None:
        return Place(where, site.port, tls=False, authority=None)
    try:
        authority = own_authority(certificate.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        return NoPlace(f"this site's certificate cannot be read: {error}")
    return Place(where, site.port, tls=True, authority=authority)


def enrol(settings: EdgeSettings, wish: PopupWish) -> Place | NoPlace:
    """Let a pop-up in that shows the secret of this hash; entered again it is the same.

    Blocks on the disk.
    """
    found = place(settings)
    if isinstance(found, NoPlace):
        return found
    file = CredentialFile(terminals_file(settings))
    people = settings.terminals
    others = {OPERATOR, DESK, settings.node, *settings.site_broker.vouching}
    others |= {*people.shared, *people.bound}
    try:
        known = next((each for each in file.entries() if each.name == wish.node), None)
        if wish.node in others or (
            known is not None and (known.person, known.hash) != (wish.user, wish.hash)
        ):
            return NoPlace("that name is another terminal's already; ask again")
        file.add_hashed(wish.node, Party.NODE, wish.hash, person=wish.user)
    except CredentialError as error:
        return NoPlace(f"this site cannot write who is let in: {error}")
    return found
