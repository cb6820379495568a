"""Media classes: the size part of a PWG 5101.1 media name, from names and from measures."""

from __future__ import annotations

import re

#: class → (short edge, long edge) in hundredths of a millimetre (PWG 5101.1-2013 §5).
SIZES: dict[str, tuple[int, int]] = {
    "iso_a2": (42000, 59400),
    "iso_a3": (29700, 42000),
    "iso_a4": (21000, 29700),
    "iso_a5": (14800, 21000),
    "iso_a6": (10500, 14800),
    "iso_b4": (25000, 35300),
    "iso_b5": (17600, 25000),
    "iso_c5": (16200, 22900),
    "iso_dl": (11000, 22000),
    "jis_b4": (25700, 36400),
    "jis_b5": (18200, 25700),
    "na_letter": (21590, 27940),
    "na_legal": (21590, 35560),
    "na_ledger": (27940, 43180),
    "na_executive": (18415, 26670),
    "na_invoice": (13970, 21590),
    "na_number-10": (10477, 24130),
}
CUSTOM = "custom"
#: What machines call large: some count a side of it as more than one.
LARGE = frozenset({"iso_a2", "iso_a3", "iso_b4", "jis_b4", "na_ledger"})

#: names people and older drivers use (CUPS "media" options, PPD PageSize keywords).
_OLD_NAMES = {
    "a2": "iso_a2",
    "a3": "iso_a3",
    "a4": "iso_a4",
    "a5": "iso_a5",
    "a6": "iso_a6",
    "b4": "jis_b4",
    "b5": "jis_b5",
    "isob4": "iso_b4",
    "isob5": "iso_b5",
    "envc5": "iso_c5",
    "envdl": "iso_dl",
    "letter": "na_letter",
    "legal": "na_legal",
    "tabloid": "na_ledger",
    "ledger": "na_ledger",
    "11x17": "na_ledger",
    "executive": "na_executive",
    "statement": "na_invoice",
    "env10": "na_number-10",
    "com10": "na_number-10",
}
_SELF_DESCRIBING = re.compile(
    r"(?P<name>[a-z]{2,6}_[a-z0-9.-]+)_[0-9.]+x[0-9.]+(?:mm|in)(?:[._].*)?"
)
_CUSTOM = re.compile(r"custom[._].*|custom", re.IGNORECASE)
_TOLERANCE = 300  # 3 mm: rounding of points and inches, and trimmed scans
_POINTS_PER_INCH = 72
_HUNDREDTHS_PER_INCH = 2540


def media_class(name: str) -> str | None:
    """Return the class of a media name: `iso_a4` for `iso_a4_210x297mm`, `A4` or `iso_a4`.

    A name may carry CUPS's further choices after a comma (`A4,upper`). None: no known size.
    """
    for part in name.split(","):
        word = part.strip()
        lower = word.lower()
        if lower in SIZES or lower == CUSTOM:
            return lower
        bare = lower.split(".", 1)[0]
        if bare in _OLD_NAMES:
            return _OLD_NAMES[bare]
        if _CUSTOM.fullmatch(word):
            return CUSTOM
        if (match := _SELF_DESCRIBING.fullmatch(lower)) and match["name"] in SIZES:
            return match["name"]
    return None


def media_of_size(width_points: float, height_points: float) -> str:
    """Return the class of a page of this size (PDF points, either way round), else `custom`."""
    scale = _HUNDREDTHS_PER_INCH / _POINTS_PER_INCH
    short, long = sorted((width_points * scale, height_points * scale))
    near = [
        (abs(short - size[0]) + abs(long - size[1]), name)
        for name, size in SIZES.items()
        if abs(short - size[0]) <= _TOLERANCE and abs(long - size[1]) <= _TOLERANCE
    ]
    return min(near)[1] if near else CUSTOM
