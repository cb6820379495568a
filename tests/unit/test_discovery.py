"""Which addresses are meant, how long a sweep takes at most, and what comes of it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import PrinterSettings
from config.settings_devices import DeviceSettings, SnmpProfile
from edge.devices import discovery, oids
from edge.devices.addresses import NotAnAddressError, spread
from edge.devices.walking import Said
from edge.devices.words import Found, NoAnswer, Origin, Reading, Target
from edge.discover_cli import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.devices.objects import Kind
    from edge.devices.oids import Oid, Value

PROFILES = {"lab": SnmpProfile(), "old": SnmpProfile(version="1")}


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("10.1.2.0/24", "10.1.2.1", "10.1.2.254", 254),
        ("10.1.2.7/30", "10.1.2.5", "10.1.2.6", 2),
        ("10.1.2.7/32", "10.1.2.7", "10.1.2.7", 1),
        ("10.1.2.10-40", "10.1.2.10", "10.1.2.40", 31),
        ("10.1.2.250 - 10.1.3.4", "10.1.2.250", "10.1.3.4", 11),
        ("10.1.2.7", "10.1.2.7", "10.1.2.7", 1),
        ("fd00::1-fd00::3", "fd00::1", "fd00::3", 3),
    ],
)
def test_ranges_mean_what_people_write(text: str, first: str, last: str, count: int) -> None:
    """Networks without their own and the broadcast address, ranges with both ends."""
    found = list(spread(text))
    assert (found[0], found[-1], len(found)) == (first, last, count)


@pytest.mark.parametrize(
    "text", ["", "printer", "10.1.2", "10.1.2.0/33", "10.1.2.9-5", "10.0.0.0/8", "10.1.2.1-fd00::1"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    """With words, before anything is sent; far too much is a mistake as well."""
    with pytest.raises(NotAnAddressError, match=r"address|ends before"):
        list(spread(text))


def test_files_hold_addresses(tmp_path: Path) -> None:
    """One a line, with remarks; each address once, whoever names it."""
    file = tmp_path / "printers.txt"
    file.write_text("# ground floor\n10.1.2.7  # copier\n\n10.1.2.8-9\n")
    assert discovery.listed([str(file), "10.1.2.9-11"]) == (
        "10.1.2.7",
        "10.1.2.8",
        "10.1.2.9",
        "10.1.2.10",
        "10.1.2.11",
    )


def test_a_net_of_1022_takes_a_minute_at_most() -> None:
    """As estimated, by a common profile; a slower rate takes longer and is said to."""
    net = discovery.listed(["10.1.0.0/22"])
    profile = {"lab": SnmpProfile()}
    assert discovery.plan(net, profile, rate=50).seconds <= 60
    assert discovery.plan(net, profile, rate=10).seconds >= 100


class Net:
    """Printers by address; others are silent."""

    def __init__(self, machines: dict[str, dict[Oid, Value]], refusing: str = "") -> None:
        self.machines = machines
        self.refusing = refusing
        self.breaking = ""
        self.asked: list[str] = []

    def bulk(self, target: Target) -> bool:
        """Tell whether it speaks GetBulk."""
        return False

    async def ask(
        self, target: Target, kind: Kind, wanted: Sequence[Oid], rows: int = 1
    ) -> Said | NoAnswer:
        """Answer as the machine at that address."""
        self.asked.append(target.address)
        if target.address == self.breaking:
            raise RuntimeError("nobody planned this")
        if target.address == self.refusing:
            return NoAnswer(f"{target.address} refuses", refused=True)
        tree = self.machines.get(target.address)
        if tree is None or target.profile == "old":
            return NoAnswer("silent")
        if kind == "get":
            return Said(0, 0, tuple((each, tree.get(each)) for each in wanted))
        after = [min((o for o in tree if o > each), default=None) for each in wanted]
        bound = (
            (o or each, None if o is None else tree[o])
            for o, each in zip(after, wanted, strict=True)
        )
        return Said(0, 0, tuple(bound))


def printer(serial: bytes, device: int = 1) -> dict[Oid, Value]:
    """Return the objects of a printer."""
    return {
        oids.SYS_OBJECT_ID: "1.3.6.1.4.1.99999.1",
        oids.SYS_UP_TIME: 1,
        (*oids.HR_PRINTER_STATUS, device): 3,
        (*oids.HR_DEVICE_DESCR, device): b"Model 9",
        (*oids.SERIAL_NUMBER, device): serial,
    }


async def test_a_sweep_finds_printers_and_knows_them() -> None:
    """Printers, others, refusals; by each profile in turn, and known by their serial numbers."""
    net = Net(
        {
            "10.0.0.3": printer(b"S3"),
            "10.0.0.1": printer(b"S1"),
            "10.0.0.2": {oids.SYS_OBJECT_ID: "1.3.6.1.4.1.9"},
        },
        refusing="10.0.0.4",
    )
    plan = discovery.plan(discovery.listed(["10.0.0.1-6"]), {**PROFILES}, rate=500)
    told: list[int] = []
    sweep = await discovery.discover(
        plan,
        PROFILES,
        known={"s3": "copier"},
        told=lambda so_far: told.append(so_far.asked),
        whole=False,
        asker=net,
    )
    assert [(each.address, each.reading.serial, each.known_as) for each in sweep.found] == [
        ("10.0.0.1", "S1", None),
        ("10.0.0.3", "S3", "copier"),
    ]
    assert sweep.others == ["10.0.0.2"]
    assert sweep.refused == ["10.0.0.4 refuses"]
    assert told == [1, 2, 3, 4, 5, 6]


async def test_a_printer_need_not_be_the_first_device() -> None:
    """An agent may number its devices as it likes (hrDeviceIndex, RFC 2790 §4.2)."""
    net = Net({"10.0.0.1": printer(b"S1", device=2), "10.0.0.2": printer(b"S2", device=1025)})
    plan = discovery.plan(discovery.listed(["10.0.0.1-2"]), {**PROFILES}, rate=500)
    sweep = await discovery.discover(plan, PROFILES, whole=False, asker=net)
    assert [each.reading.serial for each in sweep.found] == ["S1", "S2"]
    assert sweep.others == []


async def test_no_machine_ends_a_sweep() -> None:
    """Whatever fails at one address, the others are asked, and it is said."""
    net = Net({"10.0.0.1": printer(b"S1"), "10.0.0.3": printer(b"S3")})
    net.breaking = "10.0.0.2"
    plan = discovery.plan(discovery.listed(["10.0.0.1-3"]), {**PROFILES}, rate=500)
    sweep = await discovery.discover(plan, PROFILES, whole=False, asker=net)
    assert [each.address for each in sweep.found] == ["10.0.0.1", "10.0.0.3"]
    assert (sweep.asked, sweep.refused) == (3, ["10.0.0.2 answers what nobody has thought of"])


async def test_nothing_is_searched_without_ranges() -> None:
    """A site that names none sends nothing."""
    search = discovery.SerialSearch(PROFILES, DeviceSettings())
    assert await search({"S1"}) == {}


@given(model=st.text(max_size=60), serial=st.none() | st.text(min_size=1, max_size=60))
def test_what_is_printed_can_be_pasted(model: str, serial: str | None) -> None:
    """Whatever a machine calls itself, its tables are TOML that the settings take."""
    reading = Reading(origin=Origin.SNMP, model=model or None, serial=serial)
    found = [Found("10.0.0.1", reading, None, {"profile": "lab"})] * 3
    pasted = tomllib.loads("\n".join(tables(found)))["printers"]
    ids = {PrinterSettings.model_validate(each).id for each in pasted}
    assert len(ids) == 3
