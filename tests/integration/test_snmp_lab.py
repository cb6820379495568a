"""The agents that other tests ask: each recording whole and in order, snmpd with its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from config.settings_devices import SnmpProfile
from edge.devices.snmp import Snmp
from edge.devices.walking import Said
from edge.devices.words import Target
from tests.integration.snmp_lab import PHRASES, Snmpd, recording, recordings, says

if TYPE_CHECKING:
    from typing import Literal

SERIAL: Final = (1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 17, 1)
pytestmark = pytest.mark.timeout(60)


def test_recordings_can_be_walked() -> None:
    """Every recording is sorted as a walk needs it, and says what it is."""
    assert len(recordings()) >= 10
    for name in recordings():
        oids = list(recording(name))
        assert oids == sorted(set(oids)), name
        assert (1, 3, 6, 1, 2, 1, 1, 2, 0) in oids


@pytest.mark.parametrize("name", recordings())
def test_snmpsim_answers_for_each(makers: int, name: str) -> None:
    """Each recording answers under its name, and no other name does."""
    assert says(makers, name, seconds=5)
    assert not says(makers, "nobody", seconds=0.2)


@pytest.mark.parametrize(
    ("authentication", "privacy"),
    [
        ("sha1", "aes128"),
        ("sha224", "aes128"),
        ("sha256", "aes128"),
        ("sha384", "aes128"),
        ("sha512", "aes128"),
        ("sha256", "aes192"),
        ("sha512", "aes256"),
    ],
)
async def test_snmpd_lets_users_in(
    snmpd: Snmpd, authentication: Literal["sha1"], privacy: Literal["aes128"]
) -> None:
    """Each of snmpd's users reads a recorded serial number by version 3."""
    profile = SnmpProfile(
        version="3",
        port=snmpd.port,
        user=snmpd.user(authentication, privacy),
        authentication=authentication,
        authentication_key=SecretStr(PHRASES[0]),
        privacy=privacy,
        privacy_key=SecretStr(PHRASES[1]),
    )
    snmp = Snmp({"three": profile})
    try:
        said = await snmp.ask(Target("127.0.0.1", snmpd.port, "three"), "get", [SERIAL])
    finally:
        await snmp.close()
    assert isinstance(said, Said), said
    assert [value for _, value in said.bound] == [b"3081RX00042"]
