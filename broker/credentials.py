"""Who a connection proves to be: secrets, their hashes, and the two places hashes are kept.

A secret is 256 random bits, so one SHA-256 is enough: nobody can guess 2^256 of them, and the
slow hashes made for passwords (argon2, 100 ms and more) would only stop the broker's event loop.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from broker.acl import Identity
from broker.topics import Party
from config.errors import PrintmeshError
from config.ids import NodeId
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_log = logger("broker.credentials")

#: Compared against when the name is unknown, so that both answers take as long.
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Login:
    """What a client says of itself in CONNECT."""

    client_id: str
    user_name: str | None
    secret: str | None
    certificate_name: str | None = None
    """Common name of the client certificate that TLS verified, if any."""
    address: str = ""
    """Where it connects from, for the log."""


_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Credential(BaseModel):
    """One entry: a name, what it is, and the hash of its secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: NodeId
    """MQTT user name and client id."""
    party: Party
    """node, coordinator or dashboard."""
    hash: _Hash
    """SHA-256 of the secret's UTF-8, in hexadecimal."""
    person: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=255)] | None,
        Field(exclude_if=lambda name: name is None),
    ] = None
    """The user whose own terminal it is, such as a pop-up; None: it is nobody's own."""


class _Entries(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    credentials: tuple[Credential, ...] = ()


class CredentialError(PrintmeshError):
    """The credential file cannot be read or does not hold what it should."""


def mint(dice: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """Return a new secret: 256 random bits as 43 URL-safe characters."""
    return dice(32)


def hash_of(secret: str) -> str:
    """Return what is stored of a secret."""
    return sha256(secret.encode()).hexdigest()


def prove(login: Login, known: Credential | None) -> Identity | None:
    """Return who this is, or None: unknown, wrong secret, or a borrowed client id.

    The client id must be the user name, or a stranger could take a node's session over. A client
    certificate, where there is one, must name the same node.
    """
    right = hmac.compare_digest(hash_of(login.secret or ""), known.hash if known else _NOBODY)
    if known is None or not right or login.client_id != known.name:
        return None
    if login.certificate_name is not None and login.certificate_name != known.name:
        return None
    return Identity(known.name, known.party)


def anybody(login: Login) -> Identity:
    """Let everybody in as what they call themselves: with `acl.OPEN`, a broker to try clients on.

    Never for a fleet.
    """
    return Identity(login.client_id, Party.NODE)


class CredentialMemory:
    """Credentials that live as long as the process: a site's own terminals, and tests."""

    def __init__(self) -> None:
        self._known: dict[str, Credential] = {}

    def add(self, name: str, party: Party, secret: str | None = None) -> str:
        """Enter or replace a name; return its secret (a new one unless given)."""
        secret = secret or mint()
        self._known[name] = Credential(name=name, party=party, hash=hash_of(secret))
        return secret

    def remove(self, name: str) -> bool:
        """Forget a name; say whether it was there."""
        return self._known.pop(name, None) is not None

    def authenticate(self, login: Login) -> Identity | None:
        """Return who this is, or None."""
        return prove(login, self._known.get(login.user_name or ""))

    def knows(self, identity: Identity) -> bool:
        """Say whether a connected client would still be let in."""
        return _is_known(identity, self._known)


class CredentialFile:
    """Credentials in a JSON file of mode 0600, read again whenever it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Credential] = {}
        self._seen: tuple[int, int, int] | None = None

    def entries(self) -> tuple[Credential, ...]:
        """Return what the file holds now, by name; nothing when there is no file.

        Raises:
            CredentialError: it cannot be read, or is not what this class writes.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialError(f"{self._path}: cannot be read: {error}") from error
        try:
            found = _Entries.model_validate_json(text).credentials
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise CredentialError(
                f"{self._path}: {where}: {first['msg']}; expected "
                '{"credentials": [{"name": …, "party": "node", "hash": 64 hexadecimal digits}]}'
            ) from error
        return tuple(sorted(found, key=lambda entry: entry.name))

    def add(
        self, name: str, party: Party, secret: str | None = None, *, person: str | None = None
    ) -> str:
        """Enter or replace a name; return its secret (a new one unless given).

        Args:
            name: of the node.
            party: what it is.
            secret: what it shows; None: a new one.
            person: the user whose own terminal it is.

        Raises:
            CredentialError: as for `entries`, or the file cannot be written.
        """
        secret = secret or mint()
        self.add_hashed(name, party, hash_of(secret), person=person)
        return secret

    def add_hashed(
        self, name: str, party: Party, digest: str, *, person: str | None = None
    ) -> None:
        """Enter or replace a name whose secret only somebody else knows.

        Raises:
            CredentialError: as for `add`.
        """
        entry = Credential(name=name, party=party, hash=digest, person=person)
        with self._alone():
            self._write([*(e for e in self.entries() if e.name != name), entry])

    def remove(self, name: str) -> bool:
        """Strike a name out; say whether it was there.

        Raises:
            CredentialError: as for `add`.
        """
        with self._alone():
            before = self.entries()
            after = [entry for entry in before if entry.name != name]
            if len(after) != len(before):
                self._write(after)
        return len(after) != len(before)

    def authenticate(self, login: Login) -> Identity | None:
        """Return who this is by the file as it is now, or None.

        A file that went bad under way leaves the last good entries in force, with an error in
        the log: a slip of the editor must not turn a whole fleet away.
        """
        self._refresh()
        return prove(login, self._known.get(login.user_name or ""))

    def knows(self, identity: Identity) -> bool:
        """Say whether a connected client would still be let in, by the file as it is now."""
        self._refresh()
        return _is_known(identity, self._known)

    def person_of(self, name: str) -> str | None:
        """Return the user whose own terminal a node is, by the file as it is now."""
        self._refresh()
        entry = self._known.get(name)
        return entry.person if entry else None

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            stamp = (0, 0, 0)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._known = {entry.name: entry for entry in self.entries()}
        except CredentialError as error:
            _log.error("credentials kept as they were", action="credentials", why=str(error))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock file, so that two commands do not lose each other's entry."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_CREAT, 0o600)
        except OSError as error:
            raise CredentialError(f"{self._path}: cannot be written: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, entries: list[Credential]) -> None:
        rows = [e.model_dump(mode="json") for e in sorted(entries, key=lambda entry: entry.name)]
        try:
            write_private(self._path, json.dumps({"credentials": rows}, indent=1) + "\n")
        except OSError as error:
            raise CredentialError(f"{self._path}: cannot be written: {error}") from error


def _is_known(identity: Identity, known: Mapping[str, Credential]) -> bool:
    entry = known.get(identity.name)
    return entry is not None and entry.party is identity.party


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only (0600), safe over a power cut."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
