"""Sockets that something is served at: had by whoever starts it, who need not be whoever serves."""

from __future__ import annotations

import socket

from config.errors import PrintmeshError


class CannotListen(PrintmeshError):
    """The address cannot be had: in use, forbidden, or none of this machine's."""


def listen_at(host: str, port: int, *, what: str, section: str, backlog: int) -> socket.socket:
    """Return a socket that listens; what connects waits in its backlog until somebody serves.

    Args:
        host: a name or an address of this machine.
        port: 0: any that is free.
        what: is served there, for the error.
        section: of the settings that says where, for the error.
        backlog: connections that may wait.

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=backlog)
    except OSError as error:
        raise CannotListen(
            f"{what} cannot listen at {host} port {port}: {error.strerror}; "
            f"change host or port under [{section}]"
        ) from error
