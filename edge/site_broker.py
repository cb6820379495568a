"""The site's own broker: run in this process, or used where it is one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from broker import topics
from broker.credentials import CredentialFile, CredentialMemory, write_private
from broker.exchange import Limits
from broker.listeners import Listener, Tls
from edge.addresses import link_to
from edge.asking import OPERATOR, OPERATOR_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

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


#: Makes one, of listeners, who a login is, and bounds.
Serve: TypeAlias = "Callable[[list[Listener], Callable[[Login], Identity | None], Limits], Served]"


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
    others = CredentialFile(site.credentials) if site.credentials else None
    write_private(secret_file, own.add(OPERATOR, topics.Party.NODE))
    secret = own.add(DESK, topics.Party.COORDINATOR)

    def who(login: Login) -> Identity | None:
        found = own.authenticate(login)
        return found or (others.authenticate(login) if others else None)

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
    server = serve(listeners, who, limits)
    await stack.enter_async_context(server)
    return link_to("127.0.0.1", server.ports()[-1], secret)
