"""Card readers, pure: the same cards for any split of the octets, noise dropped, transforms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.terminal_settings import FramingSettings, NumberSettings, ReaderSettings
from terminal_bridge.card_numbers import CardNumbers, card_number, wiegand_body
from terminal_bridge.framing import Frames

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE = FramingSettings()
STX_ETX = FramingSettings(start="\x02", end=("\x03",))
FIXED = FramingSettings(start="\xaa", end=("\xbb",), length=5, checksum="xor")
SILENT = FramingSettings.model_validate({"end": [], "gap": "50ms"})
BARE = FramingSettings(end=(), length=4)
FRAMINGS = [LINE, STX_ETX, FIXED, SILENT, BARE, FramingSettings(end=("\r\n",), longest=8)]


def fed(framing: FramingSettings, chunks: Iterable[bytes]) -> tuple[list[bytes], Frames]:
    """Feed chunks at one time, then be silent for long."""
    frames = Frames(framing)
    found = [frame for chunk in chunks for frame in frames.feed(chunk, 10.0)]
    return found + frames.silence(100.0), frames


@given(
    framing=st.sampled_from(FRAMINGS),
    octets=st.lists(
        st.sampled_from([b"\x02", b"\x03", b"\r", b"\n", b"\xaa", b"\xbb", b"1", b"04A1", b"\0\0"])
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 60)),
)
def test_any_split_gives_the_same_cards(
    framing: FramingSettings, octets: bytes, cuts: list[int]
) -> None:
    """However the line cuts what a reader sends, the same frames and the same counts come out."""
    edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    chunks = [octets[a:b] for a, b in pairwise(edges)]
    whole, one = fed(framing, [octets])
    split, other = fed(framing, chunks)
    assert whole == split
    assert one.dropped == other.dropped


@given(framing=st.sampled_from(FRAMINGS), octets=st.binary(max_size=400), now=st.floats(0, 1e6))
def test_noise_never_crashes_and_is_let_go_of(
    framing: FramingSettings, octets: bytes, now: float
) -> None:
    """Any octets at any time: nothing raises, and after a silence nothing is held."""
    frames = Frames(framing)
    frames.feed(octets, now)
    frames.silence(now + 60)
    assert frames.due() is None


@given(
    before=st.binary(max_size=40).filter(lambda noise: not set(noise) & {2, 3}),
    number=st.text("0123456789ABCDEF", min_size=1, max_size=20),
    half=st.text("0123456789", max_size=20),
)
def test_a_card_behind_noise_and_half_a_frame_is_read(
    before: bytes, number: str, half: str
) -> None:
    """Noise and a frame that never ended cost nothing but themselves."""
    octets = [before, b"\x02", half.encode(), b"\x02", number.encode(), b"\x03"]
    found, frames = fed(STX_ETX, octets)
    assert found == [number.encode()]
    assert frames.dropped.noise == len(before)
    assert frames.dropped.halves == 1


FRAMED: list[tuple[FramingSettings, bytes, list[bytes]]] = [
    # a line, ended in each of the ways
    (LINE, b"0123\r", [b"0123"]),
    (LINE, b"0123\r\n4567\n", [b"0123", b"4567"]),
    # half a frame is nobody's card
    (LINE, b"0123", []),
    # a start inside begins anew
    (STX_ETX, b"\x0201\x020123\x03", [b"0123"]),
    # what stands outside is noise
    (STX_ETX, b"99\x0201\x0388\x0202\x03", [b"01", b"02"]),
    # a payload that holds start and end as octets, its length known: 02 ^ 03 ^ aa ^ bb = 10
    (FIXED, b"\xaa\x02\x03\xaa\xbb\x10\xbb", [b"\x02\x03\xaa\xbb"]),
    # a wrong checksum
    (FIXED, b"\xaa\x02\x03\xaa\xbb\x11\xbb", []),
    # half of one, and the next one whole behind it
    (FIXED, b"\xaa\x02\x03" + b"\xaa\x02\x03\xaa\xbb\x10\xbb", [b"\x02\x03\xaa\xbb"]),
    # a line of the wrong length is not cut into the right one
    (FramingSettings(length=4), b"012345\r0123\r", [b"0123"]),
    # too long: its tail is no card, the next one is
    (FramingSettings(longest=4), b"0123456789\r0123\r", [b"0123"]),
    (
        FramingSettings(start="\x02", end=("\x03",), longest=4),
        b"\x0212345678\x03\x0212\x03",
        [b"12"],
    ),
    # neither start nor end
    (SILENT, b"\x01\x02\x03", [b"\x01\x02\x03"]),
    (BARE, b"\x01\x02\x03\x04\x05", [b"\x01\x02\x03\x04"]),
    # ten digits and their octets' XOR, two digits: 0F 03 02 9A 7C = E8
    (
        FramingSettings(start="\x02", end=("\x03",), length=12, checksum="hex-xor"),
        b"\x020F03029A7CE8\x03",
        [b"0F03029A7C"],
    ),
    (FramingSettings(checksum="hex-sum"), b"010203FF05\r", [b"010203FF"]),
    (FramingSettings(checksum="hex-sum"), b"zz\r05\r", []),
    (FramingSettings(end=("\xff",), checksum="sum"), b"\x01\x02\x03\xff", [b"\x01\x02"]),
]


@pytest.mark.parametrize(("framing", "octets", "cards"), FRAMED)
def test_frames_are_found(framing: FramingSettings, octets: bytes, cards: list[bytes]) -> None:
    """Each way to frame a card gives the card, and nothing that is none."""
    assert fed(framing, [octets])[0] == cards


def test_a_pause_drops_half_a_card() -> None:
    """The first half of one swipe and the second half of another make no card."""
    frames = Frames(LINE)
    assert frames.feed(b"0123", 1.0) == []
    assert frames.feed(b"4567\r", 2.5) == [b"4567"]
    assert frames.dropped.halves == 1


NUMBERS: list[tuple[bytes, dict[str, Any], str | None]] = [
    # text is kept, but for white space and capitals
    (b" 04a1b2c3 ", {}, "04A1B2C3"),
    (b"04:A1:B2", {"remove": ":"}, "04A1B2"),
    (b"12", {"pad": 5}, "00012"),
    (b"04a1", {"upper": False}, "04a1"),
    # what is no text is no number
    (b"\xff\xfe", {}, None),
    (b"  ", {}, None),
    (b"12\x0034", {}, None),
    # one card, as three readers say it: 04 A1 B2 C3
    (b"04A1B2C3", {"read": "hex", "write": "decimal"}, "77705923"),
    (b"C3B2A104", {"read": "hex", "reverse": True}, "04A1B2C3"),
    (b"\x04\xa1\xb2\xc3", {"read": "octets"}, "04A1B2C3"),
    (b"77705923", {"read": "decimal", "octets": 4, "write": "hex"}, "04A1B2C3"),
    (b"3283263748", {"read": "decimal", "octets": 4, "reverse": True, "write": "hex"}, "04A1B2C3"),
    # digits that are none
    (b"12G4", {"read": "hex"}, None),
    (b"12A4", {"read": "decimal"}, None),
    (b"1_2", {"read": "decimal"}, None),
    (b"-12", {"read": "decimal"}, None),
    # wider than the number may be
    (b"0104A1B2C3", {"read": "hex", "octets": 4}, None),
    # facility 123, number 45678: bare, and within parity (1 and 1)
    (b"7BB26E", {"read": "hex", "wiegand": 24, "write": "facility"}, "123-45678"),
    (b"00F764DD", {"read": "hex", "wiegand": 26, "write": "facility"}, None),
    (b"02F764DD", {"read": "hex", "wiegand": 26, "write": "facility"}, "123-45678"),
    (b"7BB26E", {"read": "hex", "wiegand": 24, "write": "facility", "between": ""}, "12345678"),
    # a facility wider than a facility
    (b"017BB26E", {"read": "hex", "wiegand": 24}, None),
    # the low 24 bits; the number without the last octet; masked
    (b"0F03029A7C", {"read": "hex", "bits": 24, "write": "decimal"}, "170620"),
    (b"04A1B2C3", {"read": "hex", "skip": 8}, "04A1B2"),
    (b"04A1B2C3", {"read": "hex", "mask": "00FFFF00"}, "00A1B200"),
    (b"000A", {"read": "hex", "write": "decimal", "pad": 10}, "0000000010"),
]


@pytest.mark.parametrize(("payload", "settings", "number"), NUMBERS)
def test_transforms(payload: bytes, settings: dict[str, Any], number: str | None) -> None:
    """What a reader sends becomes the number that it stands for, or none."""
    assert card_number(payload, NumberSettings.model_validate(settings)) == number


@given(facility=st.integers(0, 255), number=st.integers(0, 65535), flipped=st.integers(0, 25))
def test_parity_is_checked(facility: int, number: int, flipped: int) -> None:
    """26 bits give facility and number, and with any one bit turned nothing."""
    body = facility << 16 | number
    even = (body >> 12).bit_count() % 2
    odd = 1 - (body & 0xFFF).bit_count() % 2
    value = even << 25 | body << 1 | odd
    assert wiegand_body(value) == body
    assert wiegand_body(value ^ 1 << flipped) is None


@given(payload=st.binary(max_size=80), settings=st.sampled_from([row[1] for row in NUMBERS]))
def test_any_payload_has_an_answer(payload: bytes, settings: dict[str, Any]) -> None:
    """Whatever is in a frame: a number that a request can hold, or none."""
    number = card_number(payload, NumberSettings.model_validate(settings))
    assert number is None or (number.isprintable() and 0 < len(number) <= 255)


@pytest.mark.parametrize(
    "settings",
    [
        {"reverse": True},  # of text
        {"read": "decimal", "reverse": True},  # of how many octets?
        {"read": "hex", "wiegand": 26, "bits": 8},
        {"read": "hex", "write": "text"},
        {"read": "text", "write": "decimal"},
    ],
)
def test_impossible_transforms_are_refused(settings: dict[str, Any]) -> None:
    """What cannot be computed is said when settings are read, not at the first card."""
    with pytest.raises(ValidationError):
        NumberSettings.model_validate(settings)


def reader(**settings: object) -> CardNumbers:
    """Return the cards of a line reader."""
    return CardNumbers(ReaderSettings.model_validate({"device": "/dev/ttyS0", **settings}))


def test_a_card_that_is_held_is_one_swipe() -> None:
    """Frames of the same card within the window count once, however long it is held."""
    cards = reader(same_card="2s")
    told = [cards.feed(b"0123\r", at / 2) for at in range(20)]
    assert told == [["0123"], *([[]] * 19)]
    assert cards.repeats == 19
    assert cards.feed(b"0123\r", 12.0) == ["0123"]
    assert cards.feed(b"9999\r0123\r", 12.1) == ["9999", "0123"]


def test_a_card_that_left_may_come_back_at_once() -> None:
    """Where the reader says that the card left, the next one is a new swipe."""
    cards = reader()
    assert cards.whole(b"04A1", 1.0) == ["04A1"]
    assert cards.whole(b"04A1", 1.1) == []
    cards.gone()
    assert cards.whole(b"04A1", 1.2) == ["04A1"]


def test_ten_thousand_swipes_leave_nothing_behind() -> None:
    """A minute of 10,000 different swipes, some broken, keeps counts and one number only."""
    cards = reader(framing={"longest": 16})
    for swipe in range(10_000):
        cards.feed(b"%08d\r" % swipe, swipe * 0.006)
        cards.feed(b"x" * (swipe % 40), swipe * 0.006)
    assert cards.cards > 2_000
    assert len(cards._frames._held) <= 16 + 2
    assert set(vars(cards)) == {
        "dropped", "cards", "repeats", "_settings", "_frames", "_same", "_last", "_seen",
    }  # fmt: skip
