"""Every maker's recording is read as a person at its panel would read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio
from pydantic import SecretStr

from config.settings_devices import DeviceSettings, SnmpProfile
from edge.devices.sources import Sources
from edge.devices.words import NoAnswer, Reading, Target
from tests.integration.snmp_lab import recordings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

pytestmark = pytest.mark.timeout(60)


@dataclass(frozen=True)
class Person:
    """What somebody reads off the machine."""

    state: str | None
    serial: str | None
    meters: Mapping[str, tuple[int, str]]
    """Name → what it shows, and what it counts."""
    supplies: Mapping[str, tuple[int | None, str]]
    """Key → percent and state."""
    trays: Mapping[str, str]
    receptacles: frozenset[str] = frozenset()
    complaints: frozenset[str] = frozenset()
    open_covers: frozenset[str] = frozenset()
    asleep: bool | None = False
    message: str | None = None
    odd: int = field(default=0, kw_only=True)
    """How many sentences say what cannot be so."""


def _impressions(**figures: int) -> dict[str, tuple[int, str]]:
    return {name.replace("_", "-"): (value, "impressions") for name, value in figures.items()}


READ: Final = {
    # goes round at 999,999, and is short of that; -3 is something, not nothing
    "hp-mono": Person(
        "idle",
        "VNXXA00117",
        _impressions(total=999_812),
        {"1": (43, "ok"), "2": (None, "some")},
        {"1": "empty", "2": "ready"},
        message="Ready",
    ),
    # counters are found by name: two rows of one name are one figure, transmissions are none
    "ricoh-mfp": Person(
        "idle",
        "3081RX00042",
        _impressions(
            total=118_960,
            copy=21_010,
            copy_mono=18_000,
            copy_color=3_010,
            print=97_000,
            print_mono=60_000,
            print_color=37_000,
            fax=950,
            fax_mono=950,
        ),
        {
            "1": (30, "ok"),
            "2": (None, "some"),
            "3": (70, "ok"),
            "4": (10, "ok"),
            "5": (None, "unknown"),
        },
        {"1": "ready", "2": "ready", "3": "unknown"},
        receptacles=frozenset({"5"}),
        message="Ready",
    ),
    "canon-mfp": Person(
        "idle",
        None,
        _impressions(total=90_310, copy=30_310, print=60_000, scan=12_345),
        {"1": (80, "ok"), "2": (60, "ok"), "3": (40, "ok"), "4": (20, "ok"), "5": (None, "some")},
        {"1": "ready", "2": "ready", "3": "empty"},
        receptacles=frozenset({"5"}),
    ),
    # hrPrinterStatus other, and nothing wrong: it sleeps
    "konica-minolta-mfp": Person(
        "idle",
        "AXX0041000777",
        _impressions(
            total=51_234,
            copy_mono=11_000,
            copy_color=4_000,
            print_mono=20_234,
            print_color=16_000,
        ),
        {
            "1": (55, "ok"),
            "2": (15, "ok"),
            "3": (9, "ok"),
            "4": (98, "ok"),
            "5": (71, "ok"),
            "6": (None, "some"),
        },
        {"1": "ready", "2": "unknown", "3": "empty"},
        receptacles=frozenset({"6"}),
        asleep=True,
        message="Sleep",
    ),
    # toner in impressions, words in Latin-1
    "kyocera-mfp": Person(
        "processing",
        "RXX8000419",
        _impressions(
            total=204_711,
            print_mono=90_000,
            print_color=60_011,
            copy_mono=40_000,
            copy_color=14_000,
            fax_mono=700,
        ),
        {"1": (52, "ok"), "2": (3, "ok"), "3": (100, "ok"), "4": (0, "empty"), "5": (None, "some")},
        {"1": "ready", "2": "low", "3": "unknown"},
        receptacles=frozenset({"5"}),
        message="Druckt für Raum 7 ... Büro 3",
    ),
    "xerox-mfp": Person(
        "stopped",
        "XXF000314",
        _impressions(total=310_000, total_mono=200_000, total_color=110_000),
        {
            "1": (64, "ok"),
            "2": (3, "ok"),
            "3": (51, "ok"),
            "4": (50, "ok"),
            "5": (25, "ok"),
            "6": (25, "ok"),
        },
        {"1": "ready", "2": "empty"},
        receptacles=frozenset({"5"}),
        complaints=frozenset({"media-jam", "cover-open", "media-empty", "toner-low"}),
        open_covers=frozenset({"Front Door"}),
        message="Paper jam. Open the front door.",
    ),
    # -3 of -2: only its errors say that toner is low
    "brother-laser": Person(
        "idle",
        "E00000K0N123456",
        _impressions(total=20_481),
        {"1": (None, "some"), "2": (37, "ok")},
        {"1": "ready", "2": "unknown"},
        complaints=frozenset({"toner-low"}),
        message="Toner Low",
    ),
    # counts sheets, beyond 2^31
    "epson-ink": Person(
        "idle",
        "X5XX000123",
        {"total": (2_147_483_700, "sheets")},
        {"1": (72, "ok"), "2": (6, "ok"), "3": (48, "ok"), "4": (0, "empty"), "5": (4, "ok")},
        {"1": "ready"},
        receptacles=frozenset({"5"}),
        complaints=frozenset(
            {"marker-ink-almost-empty", "marker-ink-empty", "marker-waste-almost-full"}
        ),
    ),
    # the key of a subunit is no service; near 2^32, its device is number 2
    "pwg-mfp": Person(
        "idle",
        "PWG0051063",
        _impressions(
            total=4_294_967_290,
            total_mono=9_100,
            total_color=6_100,
            copy=5_000,
            copy_mono=4_000,
            copy_color=1_000,
            print=10_000,
            print_mono=4_800,
            print_color=5_100,
            fax=300,
            fax_mono=300,
            fax_color=0,
        ),
        {"1": (50, "ok")},
        {"1": "ready"},
    ),
    # a counter without its unit, or below zero, is no counter; one letter is no serial number
    "odd-half": Person(
        None, None, {}, {"1": (None, "unknown")}, {}, asleep=None, message="Ã( ÿ", odd=6
    ),
}


@pytest_asyncio.fixture
async def sources(makers: int) -> AsyncIterator[Sources]:
    """Ask by version 2c; profiles are named as recordings are."""
    profiles = {each: SnmpProfile(port=makers, community=SecretStr(each)) for each in recordings()}
    asking = Sources(profiles, DeviceSettings())
    yield asking
    await asking.close()


@pytest.mark.parametrize("name", READ)
async def test_recording_is_read_as_people_do(sources: Sources, makers: int, name: str) -> None:
    """State, serial, meters with units, supplies, trays, complaints are as at the panel."""
    found = await sources.look_at(Target("127.0.0.1", makers, name))
    assert isinstance(found, Reading), found
    person = READ[name]
    assert (found.state, found.asleep, found.serial) == (
        person.state,
        person.asleep,
        person.serial,
    )
    assert {each.name: (each.value, each.unit) for each in found.meters} == person.meters
    assert {each.key: (each.level, each.state) for each in found.supplies} == person.supplies
    assert {each.key for each in found.supplies if each.receptacle} == person.receptacles
    assert {each.key: each.state for each in found.trays} == person.trays
    assert {each.name for each in found.covers if each.open} == person.open_covers
    if name != "odd-half":  # what its code is called is nobody's matter
        assert {each.code for each in found.alerts} == person.complaints
    assert found.message == person.message
    assert len(found.odd) == person.odd


async def test_what_prints_nothing_is_no_printer(sources: Sources, makers: int) -> None:
    """A switch is not taken for a printer."""
    found = await sources.look_at(Target("127.0.0.1", makers, "no-printer"))
    assert isinstance(found, NoAnswer)


def test_every_recording_is_expected_to_be_something() -> None:
    """None is left out above."""
    assert {*READ, "no-printer"} == set(recordings())
