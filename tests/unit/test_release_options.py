"""What is added to a job at release, so that what was counted is what prints."""

from __future__ import annotations

import pytest

from config.policy.media import SIZES, media_class
from edge.printing.options import TEXT_LAYOUT, carried, pwg_name, release_options


def test_one_sided_document() -> None:
    """An ordinary document is released as it is."""
    assert release_options({"document-format": "application/pdf"}, {}, "iso_a4") == {}


@pytest.mark.parametrize(
    ("asked", "decided"),
    [("two-sided-long-edge", {}), ("one-sided", {"sides": "two-sided-short-edge"})],
)
def test_two_sided(asked: str, decided: dict[str, str | int]) -> None:
    """A two-sided job is not turned round, as CUPS would then add a blank back."""
    options = release_options({"sides": asked}, decided, "iso_a4")

    assert options == {"OutputOrder": "Normal", **decided}


def test_decided_one_sided() -> None:
    """What was decided stands above what was asked."""
    options = release_options({"sides": "two-sided-long-edge"}, {"sides": "one-sided"}, "iso_a4")

    assert options == {"sides": "one-sided"}


def test_plain_text() -> None:
    """Plain text gets the layout and the paper it was counted with."""
    options = release_options({"document-format": "text/plain"}, {}, "iso_a4")

    assert options == {**TEXT_LAYOUT, "media": "iso_a4_210x297mm"}
    asked = {"document-format": "text/plain", "media": "na_legal"}
    assert "media" not in release_options(asked, {}, "iso_a4")


@pytest.mark.parametrize(
    ("decided", "told"),
    [
        ("iso_a3", {"media": "iso_a3_297x420mm"}),
        ("iso_a3_297x420mm", {"media": "iso_a3_297x420mm"}),
        ("custom", {}),  # no name to tell it by
    ],
)
def test_decided_paper(decided: str, told: dict[str, str]) -> None:
    """The paper that was decided on is told to CUPS by its full name."""
    assert release_options({}, {"media": decided}, "iso_a4") == told


@pytest.mark.parametrize("media", SIZES)
def test_names_of_paper(media: str) -> None:
    """The full name of each class of paper is of that class."""
    assert media_class(pwg_name(media)) == media


@pytest.mark.parametrize(
    ("asked", "decided", "driver"),
    [
        # CUPS heeds a driver's option above IPP's: it has to say the same
        ({"ColorModel": "RGB"}, {"print-color-mode": "monochrome"}, {"ColorModel": "Gray"}),
        ({"Duplex": "None"}, {"sides": "two-sided-long-edge"}, {"Duplex": "DuplexNoTumble"}),
        # a job without such options gets none
        ({}, {"print-color-mode": "monochrome", "sides": "one-sided"}, {}),
        # what was not decided stays as it was asked for
        ({"ColorModel": "RGB", "Duplex": "DuplexTumble"}, {"copies": 2}, {}),
    ],
)
def test_a_drivers_option_says_what_was_decided(
    asked: dict[str, object], decided: dict[str, str | int], driver: dict[str, str]
) -> None:
    """A conversion is not undone by what a driver's dialog put on the job."""
    options = release_options(asked, decided, "iso_a4")
    assert {name: options[name] for name in ("ColorModel", "Duplex") if name in options} == driver


def test_a_job_like_another_has_its_options_and_none_of_its_life() -> None:
    """What was asked for is carried as text; whose it was, how it stood, and what no text says not.

    What differs stands above it, and None takes it away.
    """
    attributes: dict[str, list[object]] = {
        "sides": ["one-sided"],
        "InputSlot": ["Tray2"],
        "fit-to-page": [True],
        "page-ranges": [(1, 3), (7, 7)],
        "finishings": [4, 5],
        "media-col": [{"media-size": [{}]}],
        "output-bin": [None],
        "media": ["iso_a4_210x297mm"],
        "copies": [3],
        "job-name": ["thesis [0123456789ab]"],
        "job-hold-until": ["no-hold"],
        "time-at-creation": [1],
        "number-of-documents": [1],
        "document-format": ["application/pdf"],
        "printmesh-rest-of": ["x"],
    }
    changes: dict[str, str | int | None] = {"copies": None, "sides": "two-sided-long-edge"}
    assert carried(attributes, changes) == {
        "sides": "two-sided-long-edge",
        "InputSlot": "Tray2",
        "fit-to-page": "true",
        "page-ranges": "1-3,7-7",
        "finishings": "4,5",
        "media": "iso_a4_210x297mm",
    }
