"""Learning a reader: framing and number are found from octets, and put into settings untouched."""

from __future__ import annotations

import tomllib

import pytest

from config.terminal_settings import FramingSettings, NumberSettings, ReaderSettings
from terminal_bridge.card_numbers import CardNumbers, card_number
from terminal_bridge.guessing import framing_of, making_of, numbers_of
from terminal_bridge.reader_text import CannotPutError, reader_text, with_reader

BURSTS: list[tuple[list[bytes], FramingSettings, list[bytes]]] = [
    # lines
    ([b"0123\r", b"98765\r"], FramingSettings(), [b"0123", b"98765"]),
    ([b"0123\r\n", b"9876\r\n"], FramingSettings(), [b"0123", b"9876"]),
    # held on: the same frame twice
    ([b"0123\r0123\r"], FramingSettings(), [b"0123"]),
    # STX … ETX with a checksum that fits twice
    (
        [b"\x020F03029A7CE8\x03", b"\x020F03029A7DE9\x03"],
        FramingSettings(start="\x02", end=("\x03",), checksum="hex-xor"),
        [b"0F03029A7C", b"0F03029A7D"],
    ),
    # bare octets of one size
    (
        [b"\x04\xa1\xb2", b"\x07\xa1\x99"],
        FramingSettings(end=(), length=3),
        [b"\x04\xa1\xb2", b"\x07\xa1\x99"],
    ),
    # digits of different sizes, ended by nothing
    (
        [b"0123", b"98765"],
        FramingSettings.model_validate({"end": [], "gap": "100ms"}),
        [b"0123", b"98765"],
    ),
]


@pytest.mark.parametrize(("bursts", "framing", "payloads"), BURSTS)
def test_framing_is_found(
    bursts: list[bytes], framing: FramingSettings, payloads: list[bytes]
) -> None:
    """The guess explains every swipe, and gives each card once."""
    guess = framing_of(bursts)
    assert guess is not None
    assert guess.framing == framing
    assert list(guess.payloads) == payloads


def test_nothing_heard_is_no_guess() -> None:
    """Without a swipe there is nothing to explain."""
    assert framing_of([]) is None


KNOWN: list[tuple[bytes, str]] = [
    (b"0123", "0123"),
    (b"04A1B2C3", "77705923"),
    (b"04A1B2C3", "0077705923"),
    (b"C3B2A104", "04a1b2c3"),
    (b"3283263748", "04A1B2C3"),
    (b"\x04\xa1\xb2\xc3", "77705923"),
    (b"02F764DD", "123-45678"),
    (b"0F03029A7C", "170620"),
]


@pytest.mark.parametrize(("payload", "known"), KNOWN)
def test_the_making_of_a_known_number_is_found(payload: bytes, known: str) -> None:
    """Settings are found by which what was sent becomes the number that is known."""
    making = making_of(payload, known)
    assert making is not None
    assert card_number(payload, making) == known.upper()


def test_what_cannot_be_made_is_not_invented() -> None:
    """A number that has nothing to do with what was sent has no making."""
    assert making_of(b"04A1B2C3", "4711") is None
    numbers = [number for _, number in numbers_of(b"04A1B2C3")]
    assert len(numbers) == len(set(numbers))


FILE = """\
# ours
data = "terminals"

[[terminals]]
id = "one"
secret = "s"
printer = "p"

# what the reader sends
[terminals.reader]
device = "/dev/ttyS0"

[terminals.reader.framing]
length = 4

# the copier's
[terminals.copier]
enable = [{ pin = 17 }]  # relay

[[terminals]]
id = "two"
printer = "q"
"""
READER = ReaderSettings(
    device="socket://127.0.0.1:4001",
    framing=FramingSettings(start="\x02", end=("\x03",), checksum="hex-xor"),
    number=NumberSettings(read="hex", write="decimal", pad=10),
)


def test_settings_come_back_from_their_text() -> None:
    """What is written reads as the same settings."""
    table = tomllib.loads(reader_text(READER))["terminals"]["reader"]
    assert ReaderSettings.model_validate(table) == READER


@pytest.mark.parametrize("terminal", ["one", "two"])
def test_a_reader_is_put_where_it_belongs(terminal: str) -> None:
    """The terminal's reader is replaced or added; all else, comments too, stays as it was."""
    text = with_reader(FILE, terminal, READER)
    before, after = tomllib.loads(FILE), tomllib.loads(text)
    for old, new in zip(before["terminals"], after["terminals"], strict=True):
        if new["id"] == terminal:
            assert ReaderSettings.model_validate(new.pop("reader")) == READER
            old.pop("reader", None)
    assert before == after
    for comment in ("# ours", "# what the reader sends\n[terminals.reader]", "17 }]  # relay"):
        assert comment in text
    assert "# the copier's\n[terminals.copier]" in text
    assert with_reader(text, terminal, READER) == text


@pytest.mark.parametrize(
    ("text", "terminal"),
    [
        (FILE, "three"),
        ("no TOML", "one"),
        ('[[terminals]]\nid = "one"\nreader = { device = "/dev/ttyS0" }\n', "one"),
        ('terminals = [{ id = "one" }]\n', "one"),
        # it only looks like a table: a text of several lines
        ("note = '''\n[[terminals]]\nid = \"one\"\n[x]\n'''\n", "one"),
    ],
)
def test_a_file_of_another_shape_is_left_alone(text: str, terminal: str) -> None:
    """Where the place cannot be told for sure, nothing is written."""
    with pytest.raises(CannotPutError):
        with_reader(text, terminal, READER)


def test_a_learned_reader_reads_the_cards_it_learned_from() -> None:
    """From octets to settings to text and back: the cards are the numbers that were known."""
    bursts = [b"\x02%s\x03" % body for body in (b"0F03029A7CE8", b"0F03029A7DE9")]
    guess = framing_of(bursts)
    assert guess is not None
    making = making_of(guess.payloads[0], "0000170620")
    assert making is not None
    settings = ReaderSettings(device="/dev/ttyS0", framing=guess.framing, number=making)
    table = tomllib.loads(reader_text(settings))["terminals"]["reader"]
    cards = CardNumbers(ReaderSettings.model_validate(table))
    assert cards.feed(b"".join(bursts), 1.0) == ["0000170620", "0000170621"]
