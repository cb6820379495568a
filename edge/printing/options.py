"""What the edge adds to a job at release, so that CUPS prints what was counted; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.policy.media import CUSTOM, SIZES
from edge.printing.formats import TEXT, disagreement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: How plain text is laid out: margins in points, characters and lines per inch. Given with the job,
#: these stand above the margins of the printer, so every printer breaks pages at the same line.
TEXT_LAYOUT: Final[Mapping[str, int]] = {
    "page-left": 36,
    "page-right": 36,
    "page-top": 36,
    "page-bottom": 36,
    "cpi": 10,
    "lpi": 6,
    "columns": 1,
}
#: What drivers' dialogs call the same; where a job has such an option, CUPS heeds it above IPP's.
_DRIVERS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "print-color-mode": ("ColorModel", {"monochrome": "Gray"}),
    "sides": (
        "Duplex",
        {
            "one-sided": "None",
            "two-sided-long-edge": "DuplexNoTumble",
            "two-sided-short-edge": "DuplexTumble",
        },
    ),
}
_HUNDREDTHS_PER_INCH: Final = 2540


def release_options(
    attributes: Mapping[str, object], changes: Mapping[str, str | int], default_media: str
) -> dict[str, str | int]:
    """Return the job attributes to set at release.

    Args:
        attributes: the job's own.
        changes: what was decided; stands above everything else.
        default_media: class of the paper that plain text is laid out for when the job names none.
    """
    options: dict[str, str | int] = {}
    if is_text(attributes.get("document-format")):
        options |= TEXT_LAYOUT
        if "media" not in attributes:
            options["media"] = pwg_name(default_media)
    sides = changes.get("sides", attributes.get("sides", "one-sided"))
    if str(sides).startswith("two-sided"):
        # For printers that deliver face up CUPS reverses the pages and then has to put a blank one
        # first when their number is odd, which the printer counts. A compromise: there, two-sided
        # jobs come out last page up.
        options["OutputOrder"] = "Normal"
    for name, (driver, words) in _DRIVERS.items():
        word = words.get(str(changes.get(name)))
        if word is not None and driver in attributes:
            options[driver] = word
    decided = dict(changes)
    media = decided.pop("media", None)
    # CUPS knows no class of paper, only full names; a size without a name is left to the printer
    if isinstance(media, str) and media != CUSTOM:
        decided["media"] = pwg_name(media) if media in SIZES else media
    return options | decided


#: Not what was asked for: whose a job is, what it is called and how it stands (RFC 8011 §5.3), and
#: what is said with each request.
_NOT_ASKED: Final = (
    *("attributes-", "compression", "date-time-", "document-", "errors-", "job-", "notify-"),
    *("number-of-", "original-", "output-device", "printer-", "printmesh-", "requesting-"),
    *("status-", "time-"),
)


def carried(
    attributes: Mapping[str, Sequence[object]], changes: Mapping[str, str | int | None]
) -> dict[str, str]:
    """Return the options of a job that is to be like another one, as `lp` would be given them.

    Args:
        attributes: all of the other one's.
        changes: what differs; None: it has no such option.
    """
    found = {
        name: text
        for name, values in attributes.items()
        if not name.startswith(_NOT_ASKED) and (text := _option(values))
    }
    return {name: str(value) for name, value in {**found, **changes}.items() if value is not None}


def _option(values: Sequence[object]) -> str | None:
    """Write values as an option; None for what is no plain value, such as a collection."""
    written: list[str] = []
    for value in values:
        match value:
            case bool():
                written.append(str(value).lower())
            case int() | str():
                written.append(str(value))
            case (int(low), int(high)):
                written.append(f"{low}-{high}")
            case _:
                return None
    return ",".join(written)


def is_text(document_format: object) -> bool:
    """Say whether CUPS will print this format as plain text."""
    return isinstance(document_format, str) and disagreement(TEXT, document_format) is None


def pwg_name(media: str) -> str:
    """Return the self-describing name of a media class (PWG 5101.1): `iso_a4_210x297mm`."""
    width, height = SIZES[media]
    if media.startswith("na_"):
        sizes = (f"{each / _HUNDREDTHS_PER_INCH:g}" for each in (width, height))
        return f"{media}_{'x'.join(sizes)}in"
    return f"{media}_{width / 100:g}x{height / 100:g}mm"
