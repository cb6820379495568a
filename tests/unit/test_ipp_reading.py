"""What a printer's IPP attributes mean for its state, supplies, trays, counters and abilities."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.devices import ipp_reading
from edge.devices.words import DeviceAlert, Origin, Reading


def test_a_printer_is_read() -> None:
    """State, reasons, who it is, what it counts and what it can."""
    reading = ipp_reading.reading(
        {
            "printer-state": [5],
            "printer-state-reasons": ["media-jam-error", "toner-low-warning", "moving-to-paused"],
            "printer-state-message": ["Paper\x07 jam\nin tray 2"],
            "printer-device-id": ["MFG:Maker;MDL:Model 9;SN:ABC123;CMD:PDF;"],
            "printer-impressions-completed": [4711],
            "printer-media-sheets-completed": [2400],
            "printer-impressions-completed-col": [
                {"monochrome": [4000], "full-color": [700], "highlight-color": [11], "blank": [9]}
            ],
            "printer-up-time": [86400],
            "color-supported": [True],
            "sides-supported": ["one-sided", "two-sided-long-edge"],
            "media-supported": ["iso_a4_210x297mm", "iso_a3_297x420mm", "custom_min_1x1mm", "A4"],
            "document-format-supported": ["application/pdf", "image/pwg-raster"],
        }
    )
    assert reading.origin is Origin.IPP
    assert reading.state == "stopped"
    assert reading.alerts == (
        DeviceAlert("media-jam", "critical"),
        DeviceAlert("toner-low", "warning"),
        DeviceAlert("moving-to-paused", "warning"),
    )
    assert reading.message == "Paper jam in tray 2"
    assert (reading.maker, reading.model, reading.serial) == ("Maker", "Model 9", "ABC123")
    assert reading.up_for == 86400
    assert {each.name: (each.unit, each.value) for each in reading.meters} == {
        "total": ("impressions", 4711),
        "total-mono": ("impressions", 4000),
        "total-color": ("impressions", 711),
        "sheets": ("sheets", 2400),
    }
    assert reading.can is not None
    assert (reading.can.color, reading.can.two_sided) == (True, True)
    assert reading.can.media == ("iso_a4", "iso_a3")
    assert reading.odd == ()


def test_nobody_takes_unknown_for_nothing() -> None:
    """Out-of-band values stay None: no counter at 0, no printer without colour."""
    silent = {name: [None] for name in ipp_reading.WANTED}
    reading = ipp_reading.reading(silent)
    assert reading == Reading(origin=Origin.IPP)
    assert ipp_reading.reading({}) == Reading(origin=Origin.IPP)


def test_none_is_no_reason() -> None:
    """`none` among the reasons is the absence of any."""
    reading = ipp_reading.reading({"printer-state": [3], "printer-state-reasons": ["none"]})
    assert (reading.state, reading.reasons, reading.alerts) == ("idle", (), ())


def test_supplies_are_those_of_the_printer_mib() -> None:
    """printer-supply has classes, capacities and codes; a waste box tells the room left."""
    used = b"class=supplyThatIsConsumed;unit=percent;maxcapacity=100;"
    filled = b"class=receptacleThatIsFilled;unit=percent;maxcapacity=100;"
    reading = ipp_reading.reading(
        {
            "printer-supply": [
                used + b"index=1;type=tonerCartridge;level=40;colorantname=cyan;",
                filled + b"index=2;type=wasteToner;level=25;colorantname=unknown;",
                used + b"index=3;type=opc;level=-3;",
                used + b"index=4;type=fuser;",
            ],
            "printer-supply-description": ["Cyan Cartridge", "Waste Box"],
            "marker-names": ["another list"],
            "marker-levels": [7],
        }
    )
    assert [
        (each.key, each.name, each.kind, each.color, each.level, each.state, each.receptacle)
        for each in reading.supplies
    ] == [
        ("1", "Cyan Cartridge", "toner-cartridge", "cyan", 40, "ok", False),
        ("2", "Waste Box", "waste-toner", None, 25, "ok", True),
        ("3", "opc 3", "opc", None, None, "some", False),
    ]
    assert reading.odd == ("supply 4 is half there",)


def test_markers_serve_where_there_is_nothing_better() -> None:
    """Of a waste box, makers disagree what the figure is: so there is none."""
    reading = ipp_reading.reading(
        {
            "marker-names": ["Black", "Waste"],
            "marker-types": ["toner", "waste-toner"],
            "marker-colors": ["#000000", "none"],
            "marker-levels": [9, 30],
        }
    )
    assert [(each.name, each.color, each.level) for each in reading.supplies] == [
        ("Black", "black", 9),
        ("Waste", None, None),
    ]


def test_lists_of_different_length_are_not_joined() -> None:
    """Two names and three levels: nobody knows which level is whose."""
    reading = ipp_reading.reading({"marker-names": ["a", "b"], "marker-levels": [1, 2, 3]})
    assert reading.supplies == ()
    assert len(reading.odd) == 1


def test_trays_say_how_full_they_are() -> None:
    """printer-input-tray has the codes of the Printer MIB."""
    reading = ipp_reading.reading(
        {
            "printer-input-tray": [
                b"type=sheetFeedAutoRemovableTray;maxcapacity=500;level=250;status=0;name=Tray 1;",
                b"type=sheetFeedAutoRemovableTray;maxcapacity=500;level=0;status=16;name=Tray 2;",
                b"type=sheetFeedManual;maxcapacity=-2;level=-2;status=0;",
            ]
        }
    )
    assert [(each.name, each.level, each.state) for each in reading.trays] == [
        ("Tray 1", 50, "ready"),
        ("Tray 2", 0, "empty"),
        ("Tray 3", None, "unknown"),
    ]


_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=30),
    st.binary(max_size=30),
    st.tuples(st.integers(), st.integers()),
    st.dictionaries(
        st.sampled_from(["monochrome", "full-color", "other"]),
        st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=2),
        max_size=3,
    ),
)


@given(
    st.dictionaries(st.sampled_from(ipp_reading.WANTED), st.lists(_VALUE, max_size=5), max_size=12)
)
def test_whatever_attributes_hold_is_read(attributes: dict[str, list[object]]) -> None:
    """No type and no value stops a reading; figures are never negative."""
    reading = ipp_reading.reading(attributes)
    assert all(each.value >= 0 for each in reading.meters)


def test_words_without_measure_make_a_reading() -> None:
    """What a machine calls its supplies may be of any length; the look at it does not fail."""
    long = "x" * 60_000
    reading = ipp_reading.reading(
        {
            "printer-supply": [f"index={long};type={long};level=5;maxcapacity=9;unit=percent;"],
            "printer-input-tray": [f"name={long};level=5;maxcapacity=9;status=0;"],
            "printer-make-and-model": [long],
            "printer-state-message": [long],
        }
    )
    assert (len(reading.supplies), len(reading.trays)) == (1, 1)
    markers = ipp_reading.reading(
        {"marker-names": [""], "marker-types": [long], "marker-levels": [5]}
    )
    assert len(markers.supplies) == 1
