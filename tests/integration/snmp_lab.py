"""SNMP agents to be asked: our recordings of makers' devices under snmpsim, and snmpd with v3.

A recording is a file of `tests/fixtures/snmp`; snmpsim serves each under its name as community.
snmpd is another implementation; a program of ours behind it answers from a recording as well.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from demo.guarded import Guarded
from demo.ports import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDINGS: Final = Path(__file__).parents[1] / "fixtures" / "snmp"
Oid: TypeAlias = tuple[int, ...]
#: As edge.devices.oids has it: an object identifier is text with dots.
Value: TypeAlias = "int | bytes | str"
#: What asks snmpd by version 3: one user for each digest, and one for each longer AES key.
PHRASES: Final = ("a phrase to prove who asks", "a phrase to hide what is said")
_DIGESTS: Final = {
    "sha1": "SHA",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
#: As most makers make keys longer (Reeder's draft); Net-SNMP names that after one of them.
_CIPHERS: Final = {"aes128": "AES", "aes192": "AES-192-C", "aes256": "AES-256-C"}
_SECONDS: Final = 20.0
#: sysDescr.0, asked by version 2c (RFC 3416 §3).
_SYS_DESCR: Final = bytes.fromhex("300c06082b060102010101000500")


@dataclass(frozen=True, slots=True)
class Snmpd:
    """A running snmpd."""

    port: int
    """UDP, at 127.0.0.1."""
    community: str = "lab"
    """For versions 1 and 2c."""

    @staticmethod
    def user(authentication: str, privacy: str = "aes128") -> str:
        """Return the user with these protocols, named as in `SnmpProfile`; keys are `PHRASES`."""
        return f"{authentication}-{privacy}"


def recordings() -> list[str]:
    """Return the names of all recordings: communities of `snmpsim`."""
    return sorted(each.stem for each in RECORDINGS.glob("*.snmprec"))


def recording(name: str) -> dict[Oid, Value]:
    """Return what a device answers, by object, in the order of a walk."""
    found: dict[Oid, Value] = {}
    for line in (RECORDINGS / f"{name}.snmprec").read_text("latin-1").splitlines():
        if line.startswith("#"):
            continue
        oid, tag, text = line.split("|", 2)
        found[_oid(oid)] = _value(tag, text)
    return found


def _oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


def _value(tag: str, text: str) -> Value:
    if tag.endswith("x"):
        return bytes.fromhex(text)
    match int(tag):
        case 4:
            return text.encode("latin-1")
        case 6 | 64:
            return text
        case _:
            return int(text)


@contextmanager
def snmpsim(root: Path, *, recorded: Path = RECORDINGS) -> Iterator[int]:
    """Serve a directory of recordings; yield the UDP port. `root` is for logs and indices."""
    port = free_udp_port()
    program = shutil.which("snmpsim-command-responder", path=Path(sys.executable).parent)
    root_user = ("--process-user=root", "--process-group=root") if os.geteuid() == 0 else ()
    command = [
        program or "snmpsim-command-responder",
        f"--data-dir={recorded}",
        f"--cache-dir={root / 'snmpsim'}",
        f"--agent-udpv4-endpoint=127.0.0.1:{port}",
        "--log-level=error",
        *root_user,
    ]
    community = min(each.stem for each in recorded.glob("*.snmprec"))
    with _running(command, root / "snmpsim.log", port, community):
        yield port


@contextmanager
def snmpd(root: Path, *, recorded: str = "ricoh-mfp") -> Iterator[Snmpd]:
    """Run Net-SNMP's agent with the Printer MIB of a recording and a user for each protocol."""
    found = Snmpd(free_udp_port())
    conf = root / "snmpd.conf"
    persistent = root / "snmpd"
    persistent.mkdir(exist_ok=True)
    users = [(digest, "aes128") for digest in _DIGESTS]
    users += [("sha256", "aes192"), ("sha512", "aes256")]
    behind = f"{sys.executable} {Path(__file__).with_name('snmp_behind.py')} {recorded}"
    conf.write_text(
        "\n".join(
            [
                f"agentAddress udp:127.0.0.1:{found.port}",
                f"rocommunity {found.community} 127.0.0.1",
                *(_user(*each) for each in users),
                *(
                    f"pass_persist -p 1 .{below} {behind}"
                    for below in ("1.3.6.1.2.1.43", "1.3.6.1.2.1.25.3", "1.3.6.1.4.1.367")
                ),
                "",
            ]
        )
    )
    environ = {
        "SNMP_PERSISTENT_DIR": str(persistent),
        "SNMPCONFPATH": str(root),
        "MIBS": "",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = ["/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", str(conf), "-p", str(root / "pid")]
    with _running(command, root / "snmpd.log", found.port, found.community, environ):
        yield found


def _user(digest: str, cipher: str) -> str:
    name = Snmpd.user(digest, cipher)
    prove, hide = PHRASES
    protocols = f'{_DIGESTS[digest]} "{prove}" {_CIPHERS[cipher]} "{hide}"'
    return f"createUser {name} {protocols}\nrouser {name} authpriv"


@contextmanager
def _running(
    command: list[str],
    log: Path,
    port: int,
    community: str,
    environ: dict[str, str] | None = None,
) -> Iterator[None]:
    program = Guarded(command, log, environ or {"PATH": "/usr/bin:/bin", "HOME": str(log.parent)})
    try:
        try:
            wait_until(lambda: not program.running or says(port, community), command[0], _SECONDS)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{log.read_text(errors='replace')}") from error
        if not program.running:
            raise RuntimeError(f"{command[0]} ended\n{log.read_text(errors='replace')}")
        yield
    finally:
        program.stop()


# ── by hand: what a datagram is ─────────────────────────────────────────────────────────────


def free_udp_port() -> int:
    """Return a UDP port of 127.0.0.1 that nothing is bound to now."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def says(port: int, community: str, *, seconds: float = 0.5) -> bool:
    """Say whether an agent at 127.0.0.1 answers anything to a question for sysDescr."""
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        asking.connect(("127.0.0.1", port))
        try:
            asking.send(question(community))
            return bool(asking.recv(2048))
        except OSError:
            return False


def question(community: str, number: int = 1) -> bytes:
    """Write a GetRequest of version 2c for sysDescr.0, as BER (RFC 3417 §8)."""
    bindings = _tlv(0x30, _SYS_DESCR)
    pdu = _tlv(2, number.to_bytes(4)) + b"\x02\x01\x00\x02\x01\x00" + bindings
    return _tlv(0x30, b"\x02\x01\x01" + _tlv(4, community.encode()) + _tlv(0xA0, pdu))


def _tlv(tag: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise ValueError("too long for a length of one octet")
    return bytes([tag, len(content)]) + content
