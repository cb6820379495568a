"""The site's own broker: run in this process, or used where it is one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from broker import topics
from broker.credentials import CredentialFile, CredentialMemory, write_private
from broker.exchange import Limits
from broker.listeners import Listener, Tls
from edge.addresses import link_to
from edge.asking import OPERATOR, OPERATOR_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AsyncExitStack
    from pathlib import Path

    from broker.acl import Identity
    from broker.credentials import Login
    from config.settings import EdgeSettings, LinkSettings

#: The edge as coordinator of its own broker; so a node of that name cannot be made.
DESK = topics.COORDINATOR


class Served(Protocol):
    """A broker that runs in this process while its context is entered."""

    def ports(self) -> list[int]:
        """Return the port of each listener, in their order."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *exc: object) -> None: ...


#: Makes one, of listeners, who a login is, bounds, and who is still let in.
Serve: TypeAlias = (
    "Callable[[list[Listener], Callable[[Login], Identity | None], Limits, "
    "Callable[[Identity], bool]], Served]"
)
#: Who may connect besides, where the settings name no file; in the edge's directory.
_CREDENTIALS = "site-credentials.json"


def terminals_file(settings: EdgeSettings) -> Path:
    """Return the file of terminals that may connect, people's own ones among them."""
    return settings.site_broker.credentials or settings.data / _CREDENTIALS


class OwnTerminals(Mapping[str, str]):
    """Terminals of one person each: node → user name, by the settings and then by the file."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._declared = settings.terminals.bound
        self._file = CredentialFile(terminals_file(settings))

    def __getitem__(self, node: str) -> str:
        """Return whose a terminal is."""
        person = self._declared.get(node) or self._file.person_of(node)
        if person is None:
            raise KeyError(node)
        return person

    def __iter__(self) -> Iterator[str]:
        enrolled = [each.name for each in self._file.entries() if each.person]
        return iter(dict.fromkeys((*self._declared, *enrolled)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


async def site_broker(settings: EdgeSettings, stack: AsyncExitStack, serve: Serve) -> LinkSettings:
    """Run the site's broker, or use the one there is; return how the edge itself reaches it."""
    site = settings.site_broker
    secret_file = settings.data / OPERATOR_SECRET
    if not site.embedded:
        if site.credentials is None:
            raise ValueError("site_broker.credentials is needed where embedded = false")
        known = CredentialFile(site.credentials)
        write_private(secret_file, known.add(OPERATOR, topics.Party.NODE))
        return link_to(site.host, site.port, known.add(DESK, topics.Party.COORDINATOR))
    own = CredentialMemory()
    others = CredentialFile(terminals_file(settings))
    write_private(secret_file, own.add(OPERATOR, topics.Party.NODE))
    secret = own.add(DESK, topics.Party.COORDINATOR)

    def who(login: Login) -> Identity | None:
        return own.authenticate(login) or others.authenticate(login)

    def still(identity: Identity) -> bool:
        return own.knows(identity) or others.knows(identity)

    tls = (
        Tls(site.tls_certificate, site.tls_key, site.tls_client_ca)
        if site.tls_certificate and site.tls_key
        else None
    )
    listeners = [Listener(site.host, site.port, tls=tls)]
    if site.websocket_port is not None:
        listeners.append(Listener(site.host, site.websocket_port, tls=tls, websocket=True))
    # the edge itself comes in over loopback, whatever the terminals have to show
    listeners.append(Listener("127.0.0.1", 0))
    limits = Limits(
        max_packet_bytes=site.max_packet_bytes,
        max_queued_messages=site.max_queued_messages,
        max_queued_bytes=site.max_queued_bytes,
    )
    server = serve(listeners, who, limits, still)
    await stack.enter_async_context(server)
    return link_to("127.0.0.1", server.ports()[-1], secret)
