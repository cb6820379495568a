"""What a Mosquitto needs to take our broker's place: configuration, ACL, passwords; text only."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from typing import TYPE_CHECKING

from broker.acl import contains
from broker.credentials import write_private
from broker.topics import grants
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from broker.credentials import Credential
    from broker.exchange import Limits
    from broker.listeners import Listener

CONFIGURATION, ACL, PASSWORDS, SECRETS, README = (
    "mosquitto.conf",
    "acl",
    "passwords",
    "secrets.json",
    "README",
)

#: What `mosquitto_passwd` of 2.0 writes: `$7$` PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt.
_ROUNDS, _SALT_BYTES, _HASH_BYTES = 101, 12, 64


class ExportRefusedError(PrintmeshError):
    """The export would overwrite something, or lacks a secret; nothing was written."""


@dataclass(frozen=True, slots=True)
class Export:
    """All that goes into the directory."""

    configuration: str
    acl: str
    passwords: str
    readme: str


def compose(
    directory: Path,
    listeners: Iterable[Listener],
    limits: Limits,
    credentials: Iterable[Credential],
    password_lines: Mapping[str, str],
) -> Export:
    """Compose the files.

    Args:
        directory: where they will lie; Mosquitto wants whole paths.
        listeners: as ours; a WebSocket one becomes `protocol websockets`.
        limits: ours, as far as Mosquitto has the same.
        credentials: who may connect.
        password_lines: name → its line; a name without one cannot connect.
    """
    known = sorted(credentials, key=lambda entry: entry.name)
    lines = [password_lines[entry.name] for entry in known if entry.name in password_lines]
    return Export(
        configuration=_configuration(directory, listeners, limits),
        acl="\n".join(
            ["# Each identity's lines of Printmesh's table of topics; all else is denied.", ""]
            + [_acl_of(entry) for entry in known]
        ),
        passwords="".join(f"{line}\n" for line in lines),
        readme=_README.format(directory=directory),
    )


def password_line(name: str, secret: str, salt: bytes) -> str:
    """Return a line of Mosquitto's password file.

    The few rounds do not matter: the secret is 256 random bits (see credentials).
    """
    hashed = pbkdf2_hmac("sha512", secret.encode(), salt, _ROUNDS, _HASH_BYTES)
    salt64, hash64 = (base64.b64encode(part).decode() for part in (salt, hashed))
    return f"{name}:$7${_ROUNDS}${salt64}${hash64}"


def password_lines(
    credentials: Iterable[Credential],
    secrets: Mapping[str, str],
    kept: str,
    dice: Callable[[int], bytes],
) -> dict[str, str]:
    """Return name → line: made from a secret, or kept from the password file that is there.

    Raises:
        ExportRefusedError: a name has neither; our own file holds only a hash of its secret.
    """
    lines = {line.partition(":")[0]: line for line in kept.splitlines() if ":" in line}
    names = [entry.name for entry in credentials]
    lacking = [name for name in names if name not in secrets and name not in lines]
    if lacking:
        raise ExportRefusedError(
            f"no secret for {', '.join(lacking)}: Mosquitto hashes in its own way, so it needs the "
            "secrets themselves: give them as handed out (--secrets FILE, JSON: name → secret), "
            "or have new ones made (--rotate)"
        )
    return {
        name: password_line(name, secrets[name], dice(_SALT_BYTES))
        if name in secrets
        else lines[name]
        for name in names
    }


def write(directory: Path, export: Export, *, force: bool) -> tuple[Path, ...]:
    """Write the files, passwords with mode 0600; return their paths.

    Raises:
        ExportRefusedError: one is there already and `force` is not set, or cannot be written.
    """
    texts = {
        directory / CONFIGURATION: export.configuration,
        directory / ACL: export.acl,
        directory / PASSWORDS: export.passwords,
        directory / README: export.readme,
    }
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise ExportRefusedError(f"{there[0]} is there already; --force overwrites it")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            write_private(path, text)
    except OSError as error:
        raise ExportRefusedError(f"{directory}: cannot be written: {error}") from error
    return tuple(texts)


def _configuration(directory: Path, listeners: Iterable[Listener], limits: Limits) -> str:
    lines = [
        "# Mosquitto (2.0 or newer) in the place of Printmesh's own broker.",
        "allow_anonymous false",
        f"password_file {directory / PASSWORDS}",
        f"acl_file {directory / ACL}",
        "allow_zero_length_clientid false",
        "# Nothing of ours relies on what a broker keeps; sessions are clean.",
        "persistence false",
        f"max_packet_size {limits.max_packet_bytes}",
        f"max_inflight_messages {limits.max_in_flight}",
        f"max_queued_messages {limits.max_queued_messages}",
        f"max_queued_bytes {limits.max_queued_bytes}",
        f"persistent_client_expiration {max(1, round(limits.session_seconds / 3600))}h",
        "# Else a message may wait 40 ms behind an acknowledgement (Nagle's algorithm).",
        "set_tcp_nodelay true",
        "connection_messages true",
        "log_dest stderr",
    ]
    for listener in listeners:
        lines += [
            "",
            f"listener {listener.port} {listener.host}",
            f"max_connections {limits.max_connections}",
            "# The client id is the user name: nobody takes another's session over. It counts for",
            "# the listener above it only, so it stands below each.",
            "use_username_as_clientid true",
        ]
        if listener.websocket:
            lines.append("protocol websockets")
        if (tls := listener.tls) is not None:
            lines += [f"certfile {tls.certificate}", f"keyfile {tls.key}", "tls_version tlsv1.2"]
            if tls.client_ca is not None:
                lines += [f"cafile {tls.client_ca}", "require_certificate true"]
    return "\n".join(lines) + "\n"


def _acl_of(entry: Credential) -> str:
    writes, reads = grants(entry.party, entry.name)
    return "\n".join(
        [
            f"# {entry.party.value}",
            f"user {entry.name}",
            *(f"topic write {filter_}" for filter_ in _widest(writes)),
            *(f"topic read {filter_}" for filter_ in _widest(reads)),
            "",
        ]
    )


def _widest(filters: Iterable[str]) -> list[str]:
    """Drop filters that another one holds anyway."""
    every = set(filters)
    return sorted(f for f in every if not any(contains(g, f) for g in every if g != f))


_README = """\
Mosquitto in the place of Printmesh's own broker
================================================
Start it (2.0 or newer):

    mosquitto -c {directory}/mosquitto.conf

All files here are readable by their owner only. When Mosquitto is started as root it becomes
the user `mosquitto`: give the files to it first (chown mosquitto {directory} {directory}/*),
or start Mosquitto as the user who owns them.

To add a node: `printmesh central node add …` (or whatever made the credential), export again
with --force and the new node's secret in --secrets, then send Mosquitto a SIGHUP. Lines of nodes
whose secret is not given are kept as they are.

Differences to know: Mosquitto answers a forbidden SUBSCRIBE with success and delivers nothing;
a client id other than the user name is replaced by it, not refused.
"""
