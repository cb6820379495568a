"""Addresses of machines: names looked up within a time, ranges and lists as people write them."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A socket's address: host and port, of IPv6 with flow and scope.
SocketAddress: TypeAlias = "tuple[str, int] | tuple[str, int, int, int]"
#: More addresses than this are a mistake: a /16.
MOST: Final = 65_536
_FOUR: Final = 4
#: Names are looked up here: where nobody answers for them each holds its thread for many seconds,
#: and the threads of the event loop are for people's jobs and the line to the centre.
_NAMES: Final = ThreadPoolExecutor(4, thread_name_prefix="names")


class NotAnAddressError(PrintmeshError):
    """What people wrote is no address, range or network; its text says so."""


async def resolved(host: str, port: int, seconds: float) -> SocketAddress | str:
    """Return a socket's address, IPv4 where there is one; a text says why not.

    Args:
        host: a name or an address.
        port: which port.
        seconds: how long the name may take; the resolver's own patience is far longer.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return (host, port) if address.version == _FOUR else (str(address), port, 0, 0)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            found = await loop.run_in_executor(
                _NAMES, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            )
    except (OSError, UnicodeError) as error:
        late = isinstance(error, TimeoutError)
        return "its name is not found in time" if late else "nobody knows that name"
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    for family, _, _, _, where in found:
        if family == socket.AF_INET:
            return (str(where[0]), port)
        if family == socket.AF_INET6:
            return (str(where[0]), port, 0, 0)
    return "its name has no address"


def spread(text: str) -> Iterator[str]:
    """Yield the addresses of `10.1.2.0/24`, `10.1.2.10-40`, `10.1.2.10-10.1.3.5`, or one alone.

    Of a network its own address and the broadcast address are left out.

    Raises:
        NotAnAddressError: it is none of these, or far too much.
    """
    text = text.strip()
    try:
        if "/" in text:
            network = ipaddress.ip_network(text, strict=False)
            _bounded(text, network.num_addresses)
            yield from map(str, network.hosts())
            return
        first, dash, last = (part.strip() for part in text.partition("-"))
        if not dash:
            yield str(ipaddress.ip_address(first))
            return
        begin = ipaddress.ip_address(first)
        if last.isdigit():
            last = f"{first.rpartition('.')[0]}.{last}"
        end = ipaddress.ip_address(last)
    except NotAnAddressError:
        raise
    except ValueError as error:
        raise NotAnAddressError(
            f"{text!r} is no address, range such as 10.1.2.10-40, or network such as 10.1.2.0/24"
        ) from error
    if begin.version != end.version or int(end) < int(begin):
        raise NotAnAddressError(f"{text!r} ends before it begins")
    _bounded(text, int(end) - int(begin) + 1)
    for number in range(int(begin), int(end) + 1):
        yield str(type(begin)(number))


def _bounded(text: str, count: int) -> None:
    if count > MOST:
        raise NotAnAddressError(f"{text!r} is {count:,} addresses, more than {MOST:,}")
