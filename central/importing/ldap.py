"""Directory services over LDAP: reading their people, and asking whether a password is right.

The one room of ldap3. Every call waits for the network: call it in a thread, beside transactions.
"""

from __future__ import annotations

import math
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ldap3 import NONE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPException,
    LDAPInvalidCredentialsResult,
    LDAPOperationResult,
)
from ldap3.core.results import RESULT_SUCCESS
from ldap3.utils.conv import escape_filter_chars

from central.importing.ldap_map import Entry, Mapped, mapped, shape_of
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from central.importing.ldap_map import Shape
    from config.settings_directory_services import LdapSettings

#: The control of paged results (RFC 2696).
_PAGED: Final = "1.2.840.113556.1.4.319"
#: A longer password is not passed on.
_PASSWORD_LONGEST: Final = 1024
#: Entries of an answer about one person: two are one too many already.
_FEW: Final = 2


class ServiceUnusable(PrintmeshError):
    """A directory service cannot be read at present; says why, without secrets."""


def read(settings: LdapSettings, *, card_key: bytes | None = None) -> Mapped:
    """Read everybody from a service.

    Args:
        settings: which, and how.
        card_key: the organisation's, by which the rows of cards are named; None: it has none.

    Raises:
        ServiceUnusable: it cannot be reached or trusted, or did not give all of it: half a list
            would make leavers of the other half.
    """
    shape = shape_of(settings)
    with _connected(settings) as connection:
        people = list(_entries(connection, shape.base, shape.filter, shape.asked, settings))
        groups = list(_groups(connection, shape, settings))
    return mapped(people, groups, shape, card_key=card_key)


def verify(settings: LdapSettings, name: str, password: str) -> bool:
    """Say whether a password is right, by signing in with it at the service.

    Args:
        settings: which service.
        name: the user name.
        password: what was typed; empty is never right (RFC 4513 §5.1.2 would take it for a sign-in
            as nobody, which succeeds).

    Raises:
        ServiceUnusable: it cannot be asked at present: that says nothing of the password.
    """
    if not password or len(password) > _PASSWORD_LONGEST or "\0" in password or not name:
        return False
    shape = shape_of(settings)
    with _connected(settings) as connection:
        wanted = f"(&{shape.filter}({shape.name}={escape_filter_chars(name)}))"
        found = [
            entry.dn for entry in _entries(connection, shape.base, wanted, (shape.name,), settings)
        ][:_FEW]
    if len(found) != 1:
        return False
    try:
        with _connected(settings, as_=found[0], password=password):
            return True
    except _WrongPassword:
        return False


class _WrongPassword(ServiceUnusable):
    """The service did not take the name and the password."""


def _groups(connection: Connection, shape: Shape, settings: LdapSettings) -> Iterator[Entry]:
    if shape.groups_by != "search":
        return
    wanted = (shape.groups_name, shape.groups_member)
    base = shape.groups_base or shape.base
    yield from _entries(connection, base, shape.groups_filter, wanted, settings)


def _entries(
    connection: Connection,
    base: str,
    filter_: str,
    attributes: Sequence[str],
    settings: LdapSettings,
) -> Iterator[Entry]:
    """Yield entries, page by page; what points to other services is left out.

    Not by the library's own paging: an answer that breaks off at a limit is a good one to it.
    """
    cookie: bytes | None = None
    while True:
        connection.search(
            base,
            filter_,
            search_scope=SUBTREE,
            attributes=list(attributes),
            paged_size=settings.page_size,
            paged_criticality=True,
            paged_cookie=cookie,
        )
        result, response = connection.result, connection.response or []
        if result["result"] != RESULT_SUCCESS:
            why = result["description"]
            raise ServiceUnusable(f"{settings.name}: {settings.url} did not give all: {why}")
        for each in response:
            if each.get("type") == "searchResEntry":
                raw = each["raw_attributes"]
                yield Entry(each["dn"], {name.lower(): values for name, values in raw.items()})
        paging = (result.get("controls") or {}).get(_PAGED, {})
        cookie = paging.get("value", {}).get("cookie")
        if not cookie:
            return


@contextmanager
def _connected(
    settings: LdapSettings, *, as_: str | None = None, password: str | None = None
) -> Iterator[Connection]:
    """Connect, securely, and sign in: as the settings say, or as somebody who gave a password."""
    connection: Any = None
    try:
        connection = _connection(settings, as_, password)
        connection.open(read_server_info=False)
        begin = settings.url.startswith("ldap://") and settings.start_tls
        # it says no as a value: going on would send the password in clear
        if begin and not connection.start_tls(read_server_info=False):
            raise ServiceUnusable(f"{settings.name}: {settings.url} does not begin StartTLS")
        if not connection.bind(read_server_info=False):
            raise _WrongPassword(f"{settings.name}: {settings.url} did not let us in")
        yield connection
    except LDAPInvalidCredentialsResult as error:
        who = "them" if as_ else settings.bind_dn or "nobody"
        raise _WrongPassword(f"{settings.name}: {settings.url} does not let {who} in") from error
    except LDAPOperationResult as error:
        told = f"{error.description} {error.message or ''}".strip()
        raise ServiceUnusable(f"{settings.name}: {settings.url} says: {told}") from error
    except (LDAPException, OSError, ssl.SSLError, ssl.CertificateError) as error:
        raise ServiceUnusable(f"{settings.name}: {settings.url}: {error}") from error
    finally:
        if connection is not None:
            _end(connection)


# the library has no types
class _Tls(Tls):  # type: ignore[misc]
    """TLS as Python checks it: the library compares names by a function that Python dropped."""

    def __init__(self, host: str, ca: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        self._ca = ca

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002  as the library calls it
        """Put TLS around a connection's socket; the certificate is checked, and whose it is."""
        context = ssl.create_default_context(cafile=self._ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=self._host, do_handshake_on_connect=do_handshake
        )


def _connection(settings: LdapSettings, as_: str | None, password: str | None) -> Connection:
    parts = urlsplit(settings.url)
    host = parts.hostname or ""
    seconds = max(1, math.ceil(settings.timeout.total_seconds()))
    tls = _Tls(host, settings.ca)
    server = Server(
        host,
        port=parts.port or (636 if parts.scheme == "ldaps" else 389),
        use_ssl=parts.scheme == "ldaps",
        tls=tls,
        get_info=NONE,
        connect_timeout=seconds,
    )
    secret = None if settings.secret is None else settings.secret.get_secret_value()
    return Connection(
        server,
        user=as_ if as_ is not None else settings.bind_dn or None,
        password=password if as_ is not None else secret,
        read_only=True,
        auto_referrals=False,
        check_names=False,
        raise_exceptions=True,
        receive_timeout=seconds,
    )


def _end(connection: Connection) -> None:
    # a socket that never connected is left open by the library
    socket = connection.socket
    with suppress(LDAPException, OSError):
        connection.unbind()
    if socket is not None:
        with suppress(OSError):
            socket.close()
