"""What keeps strangers' pages out of ours: names, origins, headers, who asks; pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from config.settings_web import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.settings_web import WebSettings

Network: TypeAlias = IPv4Network | IPv6Network

#: Nothing from elsewhere, nothing inline, framed by nobody.
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
#: A year, once browsers have met us over TLS.
STRICT_TRANSPORT: Final = "max-age=31536000"
FRESH: Final = "no-store"
FOR_EVER: Final = "public, max-age=31536000, immutable"
_LONGEST_ADDRESS: Final = 45
_LOOPBACKS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Names:
    """What we may be called in a request's `Host`."""

    hosts: frozenset[str]
    """Lower case, without ports."""

    @classmethod
    def of(cls, settings: WebSettings) -> Names:
        """Return the names by the settings.

        A page of somebody else's can have its own name lead here (DNS rebinding), and would be
        same-origin with us; so only names that are ours are answered.
        """
        ours = {settings.host.lower()}
        if is_loopback(settings.host):
            ours |= _LOOPBACKS
        if settings.address is not None:
            ours.add(str(settings.address.host).strip("[]").lower())
        return cls(frozenset(ours))

    def knows(self, host: str) -> bool:
        """Say whether a `Host` names us; a bare address always does, it is nobody's name."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and (name.lower() in self.hosts or _is_address(name))


def is_own(*, site: str | None, origin: str | None, host: str) -> bool:
    """Say whether a form was sent by a page of ours, as far as the browser tells.

    Args:
        site: `Sec-Fetch-Site`; old browsers do not send it.
        origin: `Origin`; browsers send it with each form.
        host: `Host`, which names us.
    """
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        # no browser sends a form without either
        return site is not None
    try:
        parts, mine = urlsplit(origin), urlsplit(f"//{host}")
        theirs = (parts.hostname, parts.port or _PORTS.get(parts.scheme))
        ours = (mine.hostname, mine.port or _PORTS.get(parts.scheme))
    except ValueError:
        return False
    return parts.hostname is not None and theirs == ours


def caller(
    peer: str, forwarded: Iterable[str], x_forwarded: Iterable[str], trusted: Iterable[Network]
) -> str:
    """Return the address of whoever asks.

    Args:
        peer: who has the connection.
        forwarded: each `Forwarded` header (RFC 7239 §4).
        x_forwarded: each `X-Forwarded-For`, what most proxies send.
        trusted: proxies whose word is taken. From the right, each says who it had it from; the
            first that is not one of ours is who asks, whatever they said before.
    """
    networks = tuple(trusted)
    if not _is_in(peer, networks):
        return peer
    said = [_node(part) for header in forwarded for part in header.split(",")]
    if not said:
        said = [_bare(part) for header in x_forwarded for part in header.split(",")]
    found = peer
    for each in reversed(said):
        if each is None:
            return found
        found = each
        if not _is_in(each, networks):
            return each
    return found


def same_text(one: str, other: str) -> bool:
    """Compare secrets; the time it takes tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def safe_path(text: str) -> str:
    """Return a path of ours to go on to; `/` for what could lead elsewhere."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > 2000:  # noqa: PLR2004
        return "/"
    if any(each in text for each in "\\\r\n\t\0"):
        return "/"
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == each.version and parsed in each for each in networks)


def _node(element: str) -> str | None:
    """Return the address of `for=` in one element of a `Forwarded`, None when it hides it."""
    for pair in element.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "for":
            return _bare(value.strip('"'))
    return None


def _bare(text: str) -> str | None:
    """Return an address without brackets and port; None for what is none."""
    plain = text.strip().strip('"')
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    if len(plain) > _LONGEST_ADDRESS:
        return None
    try:
        return str(ip_address(plain))
    except ValueError:
        return None
