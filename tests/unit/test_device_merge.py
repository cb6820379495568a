"""Several sources, one view: who is believed for what, and what a silent one leaves behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Capabilities, DeviceState
from edge.devices.merge import WINS, merged
from edge.devices.words import NoAnswer, Origin, Reading
from tests.unit.device_lab import Printer, by_snmp, meter, toner, with_

IPP = Reading(
    Origin.IPP,
    state="processing",
    reasons=("toner-low-warning",),
    serial="sn1",
    supplies=(toner(None), toner(None, "2")),
    meters=(
        meter(7, source="ipp:printer-impressions-completed"),
        meter(3, "total-color", source="ipp:printer-impressions-completed-col"),
    ),
    can=Capabilities(color=False),
    up_for=9,
)
CUPS = Reading(Origin.CUPS, state="stopped", reasons=("paused",))
SILENT = NoAnswer("192.0.2.7 does not answer")


def test_each_thing_has_one_source() -> None:
    """State by IPP, supplies by who has numbers, each meter by SNMP first; and it is said which."""
    view = merged((by_snmp(meter(100)), IPP, CUPS))
    assert (view.answers, view.state, view.reasons) == (True, "processing", ("toner-low-warning",))
    assert [each.level for each in view.supplies] == [80]
    assert [(each.name, each.value) for each in view.meters] == [("total", 100), ("total-color", 3)]
    assert (view.serial, view.model, view.can) == ("SN-1", "Laser 1", Capabilities(color=False))
    assert view.up_for == 1000
    assert view.sources == {
        "state": "ipp",
        "supplies": "snmp",
        "identity": "snmp",
        "can": "ipp",
        "meters": "snmp",
    }


def test_a_queue_says_nothing_of_a_silent_machine() -> None:
    """CUPS calls a printer idle that is switched off; one that nobody asks is as CUPS says."""
    silent = merged((SILENT, CUPS))
    assert (silent.answers, silent.state, silent.silence) == (False, None, SILENT.reason)
    local = merged((CUPS,))
    assert (local.answers, local.state, local.sources) == (None, "stopped", {"state": "cups"})


def test_one_lost_reply_moves_no_figure_to_another_source() -> None:
    """With SNMP silent its supplies and meters stay; only what IPP read is fresh."""
    view = merged((SILENT, IPP), before=(by_snmp(meter(100)),))
    assert view.answers is True
    assert [each.level for each in view.supplies] == [80]
    assert {each.name: each.value for each in view.meters} == {"total": 100, "total-color": 3}
    assert {each.name: each.source[:3] for each in view.fresh} == {
        "total": "ipp",
        "total-color": "ipp",
    }
    assert view.state == "processing"
    assert view.serials == {Origin.IPP: "sn1"}


def test_who_refuses_is_told_of() -> None:
    """A wrong key is not silence: the other source goes on, and what is wrong is said."""
    view = merged((NoAnswer("SNMP: wrong key", refused=True), IPP))
    assert (view.answers, view.refused) == (True, "SNMP: wrong key")


NUMBERS = st.one_of(st.none(), st.integers(0, 100))
READINGS = st.builds(
    Reading,
    origin=st.sampled_from(Origin),
    state=st.sampled_from([None, "idle", "processing", "stopped"]),
    asleep=st.sampled_from([None, True, False]),
    reasons=st.lists(st.text(max_size=300), max_size=50).map(tuple),
    message=st.one_of(st.none(), st.text(max_size=1500)),
    serial=st.one_of(st.none(), st.text(max_size=400)),
    model=st.one_of(st.none(), st.text(max_size=400)),
    supplies=st.lists(st.builds(toner, NUMBERS, st.sampled_from("123")), max_size=40).map(tuple),
    meters=st.lists(
        st.builds(meter, st.integers(0, 2**62), st.sampled_from(["total", "copy", "fax"])),
        max_size=50,
    ).map(tuple),
    up_for=st.one_of(st.none(), st.floats(0, 1e9)),
    odd=st.lists(st.text(max_size=20), max_size=3).map(tuple),
)
LOOKS = st.lists(st.one_of(READINGS, st.builds(NoAnswer, st.text(max_size=2000))), max_size=4)


@given(rounds=st.lists(LOOKS, min_size=1, max_size=5))
def test_whatever_is_said_a_state_can_be_told(rounds: list[list[Reading | NoAnswer]]) -> None:
    """No mixture of sources and figures keeps a look from becoming one message."""
    one = Printer()
    for looks in rounds:
        state = one.look(*looks).state
        assert DeviceState.model_validate_json(state.model_dump_json()) == state
        assert set(state.sources) <= set(WINS)
        names = [each.name for each in state.meters]
        assert len(names) == len(set(names))


def test_what_is_shown_of_a_silent_printer_is_as_it_was() -> None:
    """Until it counts as offline its last state stands, with the moment it was seen; then none."""
    one = Printer(offline_after="3min")
    seen = one.look(by_snmp()).state
    silent = one.look(SILENT).state
    assert (silent.answers, silent.state, silent.updated_at) == (False, "idle", seen.updated_at)
    assert silent.supplies == seen.supplies
    gone = one.look(SILENT, after=200).state
    assert (gone.state, [each.code for each in gone.troubles]) == ("unknown", ["offline"])
    assert gone.meters == seen.meters
    back = one.look(with_(by_snmp(), state="idle")).state
    assert (back.state, back.answers, back.troubles) == ("idle", True, ())
