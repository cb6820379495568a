"""SNMP with agents of others (snmpsim, snmpd), and with peers that send anything at all."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from config.settings_devices import DeviceSettings, SnmpProfile
from edge.devices import oids
from edge.devices.objects import Objects
from edge.devices.snmp import Snmp
from edge.devices.sources import Sources
from edge.devices.walking import Walk
from edge.devices.words import NoAnswer, Reading, Target
from tests.integration.snmp_lab import PHRASES, free_udp_port, recording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.snmp_lab import Snmpd

SYSTEM = (oids.SYS_DESCR, oids.SYS_OBJECT_ID, oids.SYS_UP_TIME)
SUPPLIES = (oids.SUPPLIES_DESCRIPTION, oids.SUPPLIES_LEVEL)
SECRET = "a-secret-community"


def third(authentication: str, privacy: str = "aes128", **changes: object) -> SnmpProfile:
    """Return a profile of version 3."""
    prove, hide = PHRASES
    return SnmpProfile.model_validate(
        {
            "version": "3",
            "user": f"{authentication}-{privacy}",
            "authentication": authentication,
            "authentication_key": prove,
            "privacy": privacy,
            "privacy_key": hide,
            "timeout": "2s",
            **changes,
        }
    )


@asynccontextmanager
async def asking(**profiles: SnmpProfile) -> AsyncIterator[tuple[Snmp, Objects]]:
    """Ask by these profiles; what is logged as broken in the loop is a failure."""
    loop = asyncio.get_running_loop()
    broken: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: broken.append(context))
    asker = Snmp(profiles)
    try:
        yield asker, Objects(asker)
    finally:
        await asker.close()
        loop.set_exception_handler(None)
    assert broken == []


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_both_old_versions_read_the_same(makers: int, version: str) -> None:
    """Version 1 has no GetBulk and no exceptions: single objects and whole tables all the same."""
    profile = SnmpProfile.model_validate({"version": version, "community": "canon-mfp"})
    told = recording("canon-mfp")
    here = Target("127.0.0.1", makers, "lab")
    async with asking(lab=profile) as (_, objects):
        got = await objects.get(here, [*SYSTEM, (1, 3, 6, 1, 99)])
        walk = await objects.walk(here, SUPPLIES)
    assert got == {each: told[each] for each in SYSTEM}
    assert isinstance(walk, Walk)
    assert walk.broken is None
    assert walk.values == {
        each: value
        for each, value in told.items()
        if any(each[: len(column)] == column for column in SUPPLIES)
    }


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
async def test_version_3_proves_and_hides(snmpd: Snmpd, authentication: str, privacy: str) -> None:
    """Net-SNMP's agent believes each digest and reads each cipher; tables are read as by 2c."""
    here = Target("127.0.0.1", snmpd.port, "lab")
    async with asking(lab=third(authentication, privacy)) as (_, objects):
        got = await objects.get(here, SYSTEM)
        walk = await objects.walk(here, SUPPLIES)
    assert isinstance(got, dict)
    assert set(got) == set(SYSTEM)
    assert isinstance(walk, Walk)
    assert walk.broken is None
    told = recording("ricoh-mfp")
    assert walk.values == {each: told[each] for each in walk.values}
    assert len(walk.values) == 10


async def test_who_is_refused_is_told_so(snmpd: Snmpd) -> None:
    """A wrong user or key is no silence, at the second look neither; no secret is in the words."""
    wrong = {
        "user": third("sha256", user="nobody"),
        "key": third("sha256", authentication_key="another phrase to prove"),
        "privacy": third(
            "sha256", privacy_key="another phrase to hide", timeout="500ms", retries=0
        ),
    }
    for name, profile in wrong.items():
        async with asking(**{name: profile}) as (_, objects):
            for _time in range(2):
                got = await objects.get(Target("127.0.0.1", snmpd.port, name), SYSTEM)
                assert isinstance(got, NoAnswer), name
                assert got.refused, name
                assert "another phrase" not in got.reason


async def test_one_user_may_have_two_keys(snmpd: Snmpd) -> None:
    """Profiles with the same user name and other keys, or without any, do not spoil each other."""
    profiles = {
        "wrong": third("sha256", authentication_key="another phrase to prove"),
        "right": third("sha256"),
        "open": SnmpProfile.model_validate({"community": snmpd.community}),
    }
    async with asking(**profiles) as (_, objects):
        for _time in range(2):
            wrong, right, plain = [
                await objects.get(Target("127.0.0.1", snmpd.port, name), SYSTEM)
                for name in ("wrong", "right", "open")
            ]
            assert isinstance(wrong, NoAnswer)
            assert isinstance(right, dict)
            assert isinstance(plain, dict)


async def test_no_secret_is_ever_logged(
    snmpd: Snmpd, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """However much is logged, by whomever: right and wrong communities and keys stay unsaid."""
    caplog.set_level(0)
    wrong = "another phrase to prove"
    profiles = {
        "open": SnmpProfile.model_validate({"community": snmpd.community}),
        "silent": SnmpProfile.model_validate({"community": SECRET, "timeout": "200ms"}),
        "right": third("sha256"),
        "wrong": third("sha512", authentication_key=wrong),
    }
    async with asking(**profiles) as (_, objects):
        answers = [
            await objects.get(Target("127.0.0.1", snmpd.port, name), SYSTEM) for name in profiles
        ]
    assert [isinstance(each, dict) for each in answers] == [True, False, True, False]
    said = caplog.text + "".join(capfd.readouterr()) + repr((profiles, answers))
    assert not [each for each in (SECRET, wrong, *PHRASES) if each in said]


async def test_one_engine_asks_for_all(snmpd: Snmpd, makers: int) -> None:
    """Communities and users of every version share one engine and one socket."""
    profiles = {
        "first": SnmpProfile.model_validate({"version": "1", "community": snmpd.community}),
        "second": SnmpProfile.model_validate({"community": "hp-mono"}),
        "third": third("sha256"),
        "other": third("sha512", "aes256"),
    }
    async with asking(**profiles) as (asker, objects):
        for name in profiles:
            port = makers if name == "second" else snmpd.port
            got = await objects.get(Target("127.0.0.1", port, name), SYSTEM)
            assert isinstance(got, dict), name
        assert [len(each.transports) for each in asker._engines] == [1]


async def test_a_wrong_community_is_silence(snmpd: Snmpd) -> None:
    """Agents answer nothing to it: it takes the time of the tries and says who was silent."""
    profile = SnmpProfile.model_validate({"community": SECRET, "timeout": "200ms", "retries": 1})
    async with asking(lab=profile) as (asker, objects):
        got = await objects.get(Target("127.0.0.1", snmpd.port, "lab"), SYSTEM)
        assert SECRET not in repr(asker.__dict__.get("_profiles"))
    assert isinstance(got, NoAnswer)
    assert not got.refused
    assert SECRET not in got.reason


async def test_nobody_there_is_no_answer() -> None:
    """A closed port, an unknown name, an address of no kind: values, within their time."""
    profile = SnmpProfile.model_validate({"timeout": "200ms", "retries": 0})
    async with asking(lab=profile) as (_, objects), asyncio.timeout(10):
        for host in ("127.0.0.1", "nobody.invalid", "a" * 300, "::1"):
            got = await objects.get(Target(host, free_udp_port(), "lab"), SYSTEM)
            assert isinstance(got, NoAnswer)


class _Peer(asyncio.DatagramProtocol):
    """Answers each datagram with whatever a test says."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ANN401  of the library
        for each in self._answer(data):
            self._transport.sendto(each, addr)


@asynccontextmanager
async def peer(answer: Callable[[bytes], list[bytes]]) -> AsyncIterator[int]:
    """Answer at a port of this machine."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Peer(answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def _noise(seed: int) -> Callable[[bytes], list[bytes]]:
    dice = random.Random(seed)  # noqa: S311  noise that comes again

    def answer(question: bytes) -> list[bytes]:
        spoilt = bytearray(question)
        for _ in range(3):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        reply = question.replace(b"\xa0", b"\xa2", 1).replace(b"\xa5", b"\xa2", 1)
        return [
            dice.randbytes(dice.randrange(1, 200)),
            question[: dice.randrange(len(question))],
            bytes(spoilt),
            question,
            reply[: len(reply) - dice.randrange(1, 9)],
            b"\x30\x80" * 2000,
            b"",
        ]

    return answer


@pytest.mark.parametrize("version", ["1", "2c", "3"])
async def test_noise_stops_nothing(
    version: str, caplog: pytest.LogCaptureFixture, makers: int
) -> None:
    """Garbage, halves, echoes, endless nesting: no answer, nothing raised, nothing logged."""
    noisy = (
        third("sha256", timeout="150ms", retries=1)
        if version == "3"
        else SnmpProfile.model_validate(
            {"version": version, "community": SECRET, "timeout": "150ms", "retries": 1}
        )
    )
    good = SnmpProfile.model_validate({"community": "hp-mono"})
    async with asking(noisy=noisy, good=good) as (asker, objects):
        for seed in range(6):
            async with peer(_noise(seed)) as port:
                got, walk, other = await asyncio.gather(
                    objects.get(Target("127.0.0.1", port, "noisy"), SYSTEM),
                    objects.walk(Target("127.0.0.1", port, "noisy"), SUPPLIES),
                    objects.get(Target("127.0.0.1", makers, "good"), SYSTEM),
                )
                assert isinstance(got, NoAnswer | dict)
                assert isinstance(walk, NoAnswer | Walk)
                assert isinstance(other, dict), "a good printer was lost in the noise"
                assert len(other) == 3
        assert asker.garbage > 0
    assert SECRET not in caplog.text


async def test_many_printers_are_asked_and_nothing_is_kept(makers: int) -> None:
    """Two hundred questions at twenty at once all come back; lost ones leave nothing behind."""
    good = SnmpProfile.model_validate({"community": "hp-mono", "timeout": "10s"})
    gone = SnmpProfile.model_validate({"timeout": "100ms", "retries": 0})
    async with asking(good=good, gone=gone) as (asker, objects):
        here, nowhere = Target("127.0.0.1", makers, "good"), Target("127.0.0.1", 9, "gone")
        got = await asyncio.gather(*(objects.get(here, SYSTEM) for _ in range(200)))
        await asyncio.gather(*(objects.get(nowhere, SYSTEM) for _ in range(40)))
        assert all(isinstance(each, dict) and len(each) == 3 for each in got)
        assert not asker._asked


async def test_every_source_of_a_maker_is_read_through_the_wire(makers: int) -> None:
    """The second look is as the first, and its meters are those of the recording."""
    profile = SnmpProfile.model_validate({"community": "konica-minolta-mfp"})
    sources = Sources({"lab": profile}, DeviceSettings())
    target = Target("127.0.0.1", makers, "lab")
    try:
        first, second = await sources.look_at(target), await sources.look_at(target)
    finally:
        await sources.close()
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert first.meters == second.meters
    assert first.supplies == second.supplies
    assert {"copy-mono", "copy-color", "print-mono", "print-color"} < {
        each.name for each in first.meters
    }
