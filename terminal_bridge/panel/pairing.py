"""Which browser is the screen at a machine: the one that was paired, or one at a known address."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

#: How long a code for pairing lasts, and how often a wrong one may be typed at one address: whoever
#: guesses, or means to use the code up, leaves it to the others.
CODE_LASTS: Final = timedelta(minutes=10)
_TRIES: Final = 5
#: At all addresses together: of a code's 100 million, few enough to be no way in.
_TRIES_MOST: Final = 500
_DIGITS: Final = 8
#: Who has one address of IPv6 has all of its network.
_ONE_NETWORK: Final = 64


def _now() -> datetime:
    return datetime.now(UTC)


class Pairing:
    """A terminal's file of who is its screen; hashes only, and 0600."""

    def __init__(
        self,
        path: Path,
        networks: Iterable[IPv4Network | IPv6Network] = (),
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Use a file, made when there is something to keep.

        Args:
            path: the file.
            networks: addresses that are the screen's without pairing.
            clock: for how long a code lasts.
        """
        self._path = path
        self._networks = tuple(networks)
        self._clock = clock

    def is_screen(self, cookie: str, address: str) -> bool:
        """Say whether a browser is the screen.

        Args:
            cookie: what it was given when it was paired; empty: nothing.
            address: where it connects from.
        """
        if self._networks:
            with suppress(ValueError):
                here = ip_address(address)
                mapped = getattr(here, "ipv4_mapped", None)
                if any((mapped or here) in network for network in self._networks):
                    return True
        known = self._read().get("screen", "")
        return bool(cookie and known) and hmac.compare_digest(_hashed(cookie), known)

    def code(self) -> str:
        """Make a code that pairs one browser, once; the screen before stays until then."""
        code = "".join(secrets.choice("0123456789") for _ in range(_DIGITS))
        until = self._clock() + CODE_LASTS
        self._write(self._read() | {"code": _hashed(code), "until": until.isoformat(), "tries": {}})
        return code

    def pair(self, code: str, address: str = "") -> str | None:
        """Take a code: return what the browser keeps, None where it is wrong or too late.

        Args:
            code: as typed.
            address: where it was typed; tries are counted for each.
        """
        kept, where = self._read(), _place(address)
        try:
            until = datetime.fromisoformat(kept.get("until", ""))
        except ValueError:
            return None
        tries = _counted(kept.get("tries"))
        here = tries.get(where, 0)
        spent = here >= _TRIES or sum(tries.values()) >= _TRIES_MOST
        if not kept.get("code") or self._clock() >= until or spent:
            return None
        # the try is written down before it is judged: a crash gives no other
        self._write(kept | {"tries": tries | {where: here + 1}})
        if not hmac.compare_digest(_hashed("".join(filter(str.isdecimal, code))), kept["code"]):
            return None
        cookie = secrets.token_urlsafe(32)
        self._write({"screen": _hashed(cookie)})
        return cookie

    def _read(self) -> dict[str, Any]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def _write(self, kept: dict[str, Any]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".fresh")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _place(address: str) -> str:
    """Return whose tries are counted together."""
    try:
        here = ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(here, "ipv4_mapped", None)
    if here.version == 4 or mapped:  # noqa: PLR2004  of IP
        return str(mapped or here)
    return str(ip_network((here, _ONE_NETWORK), strict=False))


def _counted(kept: object) -> dict[str, int]:
    """Return the wrong tries by place."""
    rows = kept.items() if isinstance(kept, dict) else ()
    return {str(where): tries for where, tries in rows if isinstance(tries, int)}


def _hashed(secret: str) -> str:
    """Hash what is random and long, or short and soon over: no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
