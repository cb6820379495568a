"""What is read from a spooler's raw attributes, and what is refused by reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.attributes import NAMES_READ, AttributesRefused, read_attributes
from config.policy.jobs import PAGE_MAX, ColorMode, JobAttributes, Sides


def test_nothing_said_takes_ipps_defaults() -> None:
    """A job without attributes is one copy, one-sided, whole, as the document is."""
    assert JobAttributes() == read_attributes({})


@pytest.mark.parametrize(
    ("raw", "field", "expected"),
    [
        ({"copies": 3}, "copies", 3),
        ({"copies": ["9999"]}, "copies", 9999),  # text, and a list of one
        ({"number-up": 16}, "number_up", 16),
        ({"sides": ["two-sided-short-edge"]}, "sides", Sides.TWO_SIDED_SHORT_EDGE),
        ({"Duplex": "DuplexNoTumble"}, "sides", Sides.TWO_SIDED_LONG_EDGE),  # a driver's dialog
        ({"Duplex": "None", "sides": "one-sided"}, "sides", Sides.ONE_SIDED),  # they agree
        ({"print-color-mode": "monochrome"}, "print_color_mode", ColorMode.MONOCHROME),
        ({"ColorModel": "Gray"}, "print_color_mode", ColorMode.MONOCHROME),
        ({"ColorModel": "RGB"}, "print_color_mode", ColorMode.AUTO),
        ({"page-ranges": (2, 3)}, "page_ranges", ((2, 3),)),  # pycups, one range
        ({"page-ranges": [(1, 1), (4, 9)]}, "page_ranges", ((1, 1), (4, 9))),
        ({"page-ranges": "2-3,5,8-"}, "page_ranges", ((2, 3), (5, 5), (8, PAGE_MAX))),
        ({"page-ranges": ["-4", 7]}, "page_ranges", ((1, 4), (7, 7))),
        ({"page-ranges": []}, "page_ranges", ()),
        ({"media": "iso_a4_210x297mm"}, "media", "iso_a4"),
        ({"media": "A3,upper"}, "media", "iso_a3"),  # CUPS: size, then tray
        ({"media": "Letter.Fullbleed"}, "media", "na_letter"),
        ({"media": "Custom.100x200mm"}, "media", "custom"),
        ({"job-name": "a\nb\x00c " + "é" * 300}, "job_name", "a b c " + "é" * 124),
        ({"job-originating-user-name": "ana"}, "user", "ana"),
        ({"document-format": "Application/PDF"}, "document_format", "application/pdf"),
        ({"job-sheets": ["none", "none"], "page-set": "all"}, "copies", 1),  # inert values
        ({"orientation-requested": 4}, "orientation_requested", 4),
        ({"orientation-requested": "7"}, "orientation_requested", None),  # PWG 5100.13: none
        ({"landscape": "true"}, "orientation_requested", 4),  # CUPS's older word
        ({"landscape": False}, "orientation_requested", None),
        ({"scaling": "100", "cpi": 10, "prettyprint": False}, "copies", 1),
        ({"job-k-octets": 12}, "copies", 1),  # unknown names are nobody's business
    ],
)
def test_values_in_range_are_read(raw: dict[str, object], field: str, expected: object) -> None:
    """Each form in which a spooler gives a value reads as the same value."""
    answer = read_attributes(raw)
    assert isinstance(answer, JobAttributes), answer
    assert expected == getattr(answer, field)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("copies", 0),
        ("copies", 10_000),
        ("copies", -1),
        ("copies", True),
        ("copies", "two"),
        ("copies", "9" * 5000),
        ("copies", [1, 2]),
        ("number-up", 3),  # CUPS prints 4-up and says nothing
        ("number-up", 2.0),
        ("sides", "both"),
        ("sides", ["one-sided", "one-sided"]),
        ("sides", {}),
        ("Duplex", "Booklet"),
        ("print-color-mode", "process-monochrome"),  # grey made of colour: not monochrome
        ("print-color-mode", None.__class__),
        ("page-ranges", (3, 2)),
        ("page-ranges", (0, 2)),
        ("page-ranges", (True, 1)),
        ("page-ranges", "5,2"),
        ("page-ranges", "1-3,3-4"),
        ("page-ranges", "1-2-3"),
        ("page-ranges", "-"),
        ("page-ranges", "-0"),
        ("page-ranges", "1,,2"),
        ("page-ranges", (1, PAGE_MAX + 1)),
        ("page-ranges", 2.5),
        ("media", "papyrus"),
        ("media", 4),
        ("job-originating-user-name", "ana\n"),  # cleaned, it would be ana's
        ("job-originating-user-name", " ana"),
        ("job-originating-user-name", ""),
        ("job-originating-user-name", "a" * 256),
        ("job-originating-user-name", "\ud800"),
        ("document-format", "pdf"),
        ("booklet", "true"),
        ("page-set", "odd"),
        ("job-sheets", ["standard", "none"]),
        ("insert-sheet", "x"),
        ("scaling", 300),  # an image on 9 sheets
        ("ppi", "20"),
        ("lpi", 2),  # a text on three times the sheets
        ("prettyprint", "true"),
        ("orientation-requested", 2),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, given: object) -> None:
    """The refusal names the attribute, shows what was given, briefly, and says what would do."""
    answer = read_attributes({name: given})
    assert isinstance(answer, AttributesRefused)
    (refusal,) = answer.refusals
    assert name == refusal.attribute
    assert len(refusal.given) <= 60
    assert "\n" not in str(refusal)
    assert refusal.expected


def test_all_refusals_are_told_at_once() -> None:
    """Two wrong attributes make two refusals."""
    answer = read_attributes({"sides": "x", "copies": 0, "number-up": 2})
    assert isinstance(answer, AttributesRefused)
    assert [each.attribute for each in answer.refusals] == ["copies", "sides"]


@pytest.mark.parametrize(
    "raw",
    [
        {"sides": "one-sided", "Duplex": "DuplexTumble"},
        {"print-color-mode": "monochrome", "ColorModel": "RGB"},
    ],
)
def test_a_drivers_word_may_not_contradict_ipps(raw: dict[str, object]) -> None:
    """Nobody is billed by one word and served by the other."""
    assert isinstance(read_attributes(raw), AttributesRefused)


@given(
    st.dictionaries(
        st.sampled_from(NAMES_READ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
            max_leaves=4,
        ),
    )
)
def test_any_rubbish_is_answered_with_a_value(raw: dict[str, Any]) -> None:
    """No raw attribute, however odd, raises."""
    assert isinstance(read_attributes(raw), JobAttributes | AttributesRefused)


def test_every_name_that_is_read_is_listed() -> None:
    """Whoever asks a spooler for NAMES_READ misses nothing that is looked at."""

    class Recorder(dict[str, object]):
        """Notes what it is asked for."""

        def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401  as dict
            asked.add(key)
            return super().get(key, default)

    asked: set[str] = set()
    read_attributes(Recorder())
    assert asked == set(NAMES_READ)
