"""A printer that is switched off and on again answers version 3 as before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.settings_devices import SnmpProfile
from demo.guarded import Guarded
from demo.ports import wait_until
from edge.devices import oids
from edge.devices.objects import Objects
from edge.devices.snmp import Snmp
from edge.devices.words import NoAnswer, Target
from tests.integration.snmp_lab import PHRASES, free_udp_port, says

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def switched_on(root: Path, port: int) -> Iterator[None]:
    """Run snmpd, the same machine each time."""
    prove, hide = PHRASES
    conf = root / "snmpd.conf"
    conf.write_text(
        f"agentAddress udp:127.0.0.1:{port}\nrocommunity lab 127.0.0.1\n"
        "exactEngineID 0x80001f888056565656565656\n"
        f'createUser ana SHA-256 "{prove}" AES "{hide}"\nrouser ana authpriv\n'
    )
    environ = {"SNMP_PERSISTENT_DIR": str(root), "MIBS": "", "PATH": "/usr/bin:/bin"}
    command = ["/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", str(conf), "-p", str(root / "pid")]
    program = Guarded(command, root / "snmpd.log", environ)
    try:
        wait_until(lambda: says(port, "lab"), "snmpd", 20)
        yield
    finally:
        program.stop()


async def test_a_restart_is_got_over(tmp_path: Path) -> None:
    """Its clock and its count of starts are learned anew, while it was off there was no answer."""
    port = free_udp_port()
    prove, hide = PHRASES
    profile = SnmpProfile.model_validate(
        {
            "version": "3",
            "user": "ana",
            "authentication_key": prove,
            "privacy_key": hide,
            "timeout": "1s",
            "retries": 1,
        }
    )
    asker = Snmp({"lab": profile})
    here, wanted = Target("127.0.0.1", port, "lab"), [oids.SYS_UP_TIME]
    try:
        for _time in range(3):
            with switched_on(tmp_path, port):
                assert isinstance(await Objects(asker).get(here, wanted), dict)
            off = await Objects(asker).get(here, wanted)
            assert isinstance(off, NoAnswer)
            assert not off.refused
    finally:
        await asker.close()
