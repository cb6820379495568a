"""Where the settings want pages and interface to be found; who serves them is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from broker.listening import listen_at

if TYPE_CHECKING:
    import socket

    from config.settings import CentralSettings

#: Sections of the settings.
Section = Literal["api", "web"]


@dataclass(frozen=True, slots=True)
class Door:
    """An address, and what is served there."""

    section: Section
    """Of the settings that says where."""
    what: str
    """Is served, for errors."""
    host: str
    port: int
    """0: any that is free."""
    connections: int
    """At once; further ones are answered 503. Open pages that follow the books are among them."""

    def open(self) -> socket.socket:
        """Return a socket that listens there.

        Raises:
            CannotListen: the address cannot be had.
        """
        return listen_at(
            self.host, self.port, what=self.what, section=self.section, backlog=self.connections
        )


def api_door(settings: CentralSettings) -> Door | None:
    """Return where the interface alone is; None: nowhere."""
    api = settings.api
    return None if api.port is None else Door("api", "the interface", api.host, api.port, 256)


def web_door(settings: CentralSettings) -> Door | None:
    """Return where the pages are, and the interface with them; None: nowhere."""
    web = settings.web
    return None if web.port is None else Door("web", "the centre's pages", web.host, web.port, 1024)


def doors(settings: CentralSettings) -> tuple[Door, ...]:
    """Return all that the settings ask for."""
    return tuple(door for door in (api_door(settings), web_door(settings)) if door is not None)
