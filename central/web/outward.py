"""Asking other servers over HTTP: bounded in time and size, no redirect followed; call in a thread.

By the standard library: what is asked here is small and seldom.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, HTTPSHandler, Request, build_opener

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse
    from pathlib import Path

#: Octets of an answer: a hundred keys fit in.
_MOST: Final = 512 * 1024
_PIECE: Final = 65_536
_SCHEMES: Final = frozenset({"http", "https"})


class Unreachable(PrintmeshError):
    """A server did not answer, not in time, or more than anybody reads; says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes = field(repr=False)

    def object(self) -> dict[str, Any]:
        """Return the JSON object that it is.

        Raises:
            Unreachable: it is none, or no good answer.
        """
        if self.status >= 300:  # noqa: PLR2004
            raise Unreachable(f"answered with status {self.status}")
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreachable("answered with what is no JSON") from error
        if not isinstance(found, dict):
            raise Unreachable("answered with what is no JSON object")
        return found


class _AsItIs(HTTPErrorProcessor):
    """Takes every status for an answer; redirects too: where they lead, nobody looked at."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        """Return it."""
        del request
        return response

    https_response = http_response


def ask(
    address: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout: float,
    ca: Path | None = None,
) -> Answer:
    """Ask a server, and return its answer whatever its status is.

    Args:
        address: http:// or https://; whoever calls has looked at it.
        headers: of the request.
        body: makes it a POST.
        timeout: seconds for all of it.
        ca: PEM file of the authority to trust; None: the system's.

    Raises:
        Unreachable: there is none, or none that can be read.
    """
    parts = urlsplit(address)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise Unreachable("has no address of HTTP")
    until = time.monotonic() + timeout
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
        opener = build_opener(_AsItIs, HTTPSHandler(context=context))
        request = Request(address, data=body, headers=dict(headers))  # noqa: S310  looked at above
        with opener.open(request, timeout=timeout) as answer:
            return Answer(answer.status, _read(answer, until))
    except URLError as error:
        raise Unreachable(f"cannot be reached: {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        raise Unreachable(f"cannot be reached: {error}") from error


def _read(answer: HTTPResponse, until: float) -> bytes:
    read: list[bytes] = []
    size = 0
    # what is there, not a whole piece: a server that drips would keep us for as long as it likes
    while piece := answer.read1(_PIECE):
        read.append(piece)
        size += len(piece)
        if size > _MOST:
            raise Unreachable("answers with more than anybody reads")
        if time.monotonic() > until:
            raise Unreachable("does not come to an end")
    if answer.length:
        # the library says nothing when a connection breaks before its time
        raise Unreachable("broke off")
    return b"".join(read)
