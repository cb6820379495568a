"""A printer is its serial number: learned, pinned, swapped, found elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.devices.keeping import KeptFiles
from edge.devices.watching import at_address
from edge.devices.words import NoAnswer, Origin, Reading
from tests.unit.device_lab import Printer, by_snmp, meter, printer, told, with_

if TYPE_CHECKING:
    from edge.devices.watch import Looked

SILENT = NoAnswer("192.0.2.7 does not answer")
OTHER = "SN-2"


def seen(result: Looked) -> tuple[str | None, str | None]:
    """Return which serial number is told, and how meters broke off."""
    return result.state.identity.serial if result.state.identity else None, result.broken


def test_another_machine_at_the_address_is_noticed_at_its_second_answer() -> None:
    """One stray reply changes nothing; two in a row begin a stretch of their own."""
    one = Printer()
    assert seen(one.look(by_snmp(meter(500)))) == ("SN-1", None)
    first = one.look(by_snmp(meter(7), serial=OTHER))
    assert (seen(first), told(first)) == (("SN-1", None), [])
    assert first.state.meters[0].value == 500
    second = one.look(by_snmp(meter(8), serial=OTHER))
    assert seen(second) == (OTHER, "replaced")
    assert told(second) == [("device-swapped", False)]
    assert second.state.meters[0].value == 8
    assert told(one.look(by_snmp(meter(9), serial=OTHER))) == []
    assert told(one.look(by_snmp(meter(9), serial=OTHER), after=24 * 3600)) == [
        ("device-swapped", True)
    ]


def test_one_stray_reply_is_forgotten() -> None:
    """A reply of somebody else's in between is no swap, and no counter went back."""
    one = Printer()
    one.look(by_snmp(meter(500)))
    for _ in range(5):
        assert one.look(by_snmp(meter(7), serial=OTHER)).broken is None
        assert told(one.look(by_snmp(meter(501)))) == []
    assert one.memory.serial == "SN-1"


def test_a_declared_machine_that_is_not_there_is_told_of_as_long_as_it_is_so() -> None:
    """Its meters are the stranger's, once; when it is back, that is a change as well."""
    one = Printer(set_up=printer(serial="sn-1 "))
    one.look(by_snmp(meter(500)))
    broken = [one.look(by_snmp(meter(7), serial=OTHER), after=7200).broken for _ in range(40)]
    assert broken == [None, "replaced"] + [None] * 38
    assert one.codes() == {"device-swapped"}
    back = [one.look(by_snmp(meter(500)), after=7200).broken for _ in range(5)]
    assert back == [None, "replaced", None, None, None]
    assert one.codes() == set()


def test_what_the_settings_declare_stands_above_what_was_learned() -> None:
    """A wrong one was learned, the settings say which is right: it is told that another stands."""
    one = Printer()
    one.look(by_snmp(serial=OTHER))
    one.set_up = printer(serial="SN-1")
    one.restart()
    one.look(by_snmp(serial=OTHER))
    one.look(by_snmp(serial=OTHER))
    assert one.codes() == {"device-swapped"}


def test_sources_may_write_one_number_in_two_ways() -> None:
    """IPP's is learned beside SNMP's; with SNMP silent it is the same machine."""
    by_ipp = Reading(Origin.IPP, state="idle", serial="CN-XSN1")
    one = Printer()
    one.look(by_snmp(), by_ipp)
    for _ in range(3):
        result = one.look(SILENT, by_ipp)
        assert (result.broken, told(result)) == (None, [])
    one.look(by_snmp(), by_ipp)
    assert one.memory.serial == "SN-1"
    fresh = Printer(set_up=printer(serial="SN-1"))
    for _ in range(3):
        assert fresh.look(SILENT, by_ipp).broken is None


def test_a_machine_that_says_no_serial_changes_nothing() -> None:
    """A reading without it counts for the machine that is known."""
    one = Printer()
    one.look(by_snmp(meter(500)))
    result = one.look(by_snmp(meter(510), serial=None))
    assert (result.broken, one.memory.serial) == (None, "SN-1")
    assert result.state.meters[0].value == 510


def test_another_name_and_address_are_the_same_machine() -> None:
    """Renamed, moved, with another board's address: its serial number makes it what it was."""
    one = Printer()
    one.look(by_snmp(meter(500)))
    one.set_up = printer(uri="ipp://192.0.2.200/ipp/print", address="192.0.2.200", name="Attic")
    result = one.look(with_(by_snmp(meter(512)), model="Renamed by its owner", maker=None))
    assert (seen(result), told(result)) == (("SN-1", None), [])
    assert result.state.device == "lib-1"
    assert result.state.meters[0].value == 512
    assert result.state.identity is not None
    assert result.state.identity.address == "192.0.2.200"


def test_a_swapped_printer_is_looked_for_before_it_is_given_up() -> None:
    """With ranges to search, the stranger counts for nothing until the search is over."""
    one = Printer(search=["192.0.2.0/24"])
    one.look(by_snmp(meter(500)))
    one.look(by_snmp(meter(7), serial=OTHER))
    result = one.look(by_snmp(meter(7), serial=OTHER))
    assert (result.lost, result.broken, result.state.meters[0].value) == ("SN-1", None, 500)


def test_a_silent_printer_is_looked_for_when_it_is_offline() -> None:
    """Not after one lost reply, and never without ranges."""
    one = Printer(search=["192.0.2.0/24"])
    one.look(by_snmp())
    assert one.look(SILENT).lost is None
    assert one.look(SILENT, after=300).lost == "SN-1"
    without = Printer()
    without.look(by_snmp())
    assert without.look(SILENT, after=300).lost is None


def test_a_printer_is_asked_where_it_was_found() -> None:
    """By SNMP and by IPP, at the port it has; IPv6 in brackets."""
    there = at_address(printer(uri="ipp://host:8631/ipp/print"), "192.0.2.9")
    assert (there.address, there.uri) == ("192.0.2.9", "ipp://192.0.2.9:8631/ipp/print")
    six = at_address(printer(uri="ipps://[2001:db8::1]/ipp/print"), "2001:db8::2")
    assert six.uri == "ipps://[2001:db8::2]/ipp/print"
    assert at_address(printer(), None) == printer()


def test_a_counter_that_went_back_is_believed_at_the_second_look() -> None:
    """A misread figure is no reset; a real one is told, and everything goes on from there."""
    one = Printer()
    one.look(by_snmp(meter(500)))
    assert one.look(by_snmp(meter(0))).broken is None
    assert told(one.look(by_snmp(meter(501)))) == []
    assert one.look(by_snmp(meter(3))).broken is None
    broken = one.look(by_snmp(meter(4)))
    assert (broken.broken, told(broken)) == ("reset", [("counter-went-back", False)])
    assert one.look(by_snmp(meter(5))).broken is None
    assert one.codes() == {"counter-went-back"}
    assert told(one.look(by_snmp(meter(6)), after=24 * 3600)) == [("counter-went-back", True)]


def test_what_is_kept_is_the_same_after_a_restart(tmp_path: object) -> None:
    """Serial numbers, troubles and use are read back as they were; a torn file is nothing."""
    files = KeptFiles(tmp_path / "devices")  # type: ignore[operator]
    one = Printer(set_up=printer(serial="SN-9"))
    one.look(with_(by_snmp(), reasons=("media-jam-error",)))
    one.look(with_(by_snmp(), reasons=("media-jam-error",)))
    files.write("lib-1", one.memory.kept)
    assert files.read("lib-1") == one.memory.kept
    assert files.others(["lib-2"]) == ("lib-1",)
    (tmp_path / "devices" / "lib-1.json").write_bytes(b'{"machine":')  # type: ignore[operator]
    assert files.read("lib-1").raised == {}
