"""Where messages may go: what an address is to look like, and to which machines it may lead; pure.

An address is looked up once for each attempt, and the connection goes to what was looked at here:
a name that leads somewhere else a moment later changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network
    from urllib.parse import SplitResult

Address: TypeAlias = IPv4Address | IPv6Address
Networks: TypeAlias = "tuple[IPv4Network | IPv6Network, ...]"

_URL_MOST: Final = 2000
_PORTS: Final = {"https": 443, "http": 80}
#: An IPv4 address in the last 32 bits (RFC 6052 §2.1).
_NAT64: Final = IPv6Network("64:ff9b::/96")
#: Nobody's in the wide world, though older libraries say otherwise (IANA's special registries).
_NOBODYS: Final = tuple(
    map(ip_network, ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48"))
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes."""

    scheme: str
    """`https`; or `http`, to machines of the house only."""
    host: str
    """A name, or an address as text."""
    port: int
    rest: str
    """Path and query, as they are asked for."""

    @property
    def shown(self) -> str:
        """The address for people and logs: without the query, which may hold somebody's key."""
        path = self.rest.partition("?")[0]
        return f"{self.scheme}://{self.authority}{'' if path == '/' else path}"

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, *, plain: bool) -> Target | str:
    """Return where an address leads, or why it will not do, in a sentence.

    Args:
        url: as somebody typed it.
        plain: whether `http://` may be, which then leads to machines of the house only.
    """
    wrong = f"{url[:100]!r} is no address; write it like https://example.org/printmesh"
    if len(url) > _URL_MOST or not url.isascii() or not url.isprintable() or " " in url:
        return "write the address in plain letters, at most 2000, a foreign name as xn--…"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return wrong
    if parts.scheme not in _PORTS or not host or port == 0:
        return wrong
    if (said := _unwelcome(parts, plain=plain)) is not None:
        return said
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], rest)


def is_private(address: Address) -> bool:
    """Say whether an address is none of the public internet's."""
    plain = _unwrapped(address)
    nobodys = any(plain in network for network in _NOBODYS if network.version == plain.version)
    special = plain.is_multicast or plain.is_reserved or plain.is_unspecified
    site_local = isinstance(plain, IPv6Address) and plain.is_site_local
    return nobodys or special or site_local or not plain.is_global


def may_reach(found: Iterable[str], target: Target, private: Networks) -> list[str] | str:
    """Return the addresses to connect to, or why there are none.

    One that may not be among several spoils them all: a name has no business to lead to both.

    Args:
        found: what the name was looked up to be.
        target: where the message goes.
        private: networks of the house that messages may go to.
    """
    may: list[str] = []
    for text in dict.fromkeys(found):
        if "%" in text:
            return f"{target.host} leads to {text}, which means something on one wire only"
        address = ip_address(text)
        plain = _unwrapped(address)
        if is_private(address):
            if plain.is_multicast or plain.is_unspecified:
                return f"{target.host} leads to {plain}, where nobody is"
            if not any(plain in each for each in private if each.version == plain.version):
                return (
                    f"{target.host} leads to {plain}, a machine of the house; "
                    "allow_private under [webhooks] says which may be reached"
                )
        elif target.scheme == "http":
            return f"{target.host} leads to {plain}: out of the house by https:// only"
        may.append(text)
    return may or f"{target.host} leads nowhere"


def _unwelcome(parts: SplitResult, *, plain: bool) -> str | None:
    """Say what an address has that none of ours may have; None: nothing."""
    if parts.scheme == "http" and not plain:
        return "https:// only: what is told must not be read on its way"
    if parts.username is not None or parts.password is not None:
        return "an address without a name and a password: receivers know us by the signature"
    return "an address without #…" if parts.fragment else None


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
