"""Promises of receipts: in four languages, on a sheet and on a roll, with every letter there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from central import receipts
from central.receipts import Head, Paper
from central.store.till import Receipt, Session, Sums
from config.words import LANGUAGES

if TYPE_CHECKING:
    from config.policy.money import Unit

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
EUR: Unit = "EUR"
PAID = Receipt(
    number=12,
    session=1,
    till="front-desk",
    entry=77,
    kind="topup",
    account="user:ana",
    unit=EUR,
    micros=5_000_000,
    balance=12_340_000,
    author="web:eva",
    at=AT,
    reverses=None,
    note="",
)
SESSION = Session(
    1, "front-desk", EUR, 20_000_000, "web:eva", AT, "web:eva", AT, 25_000_000, 24_900_000, "a coin"
)


def text_of(pdf: bytes) -> str:
    """Return what can be read on the only page."""
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        assert len(document) == 1
        page = document[0]
        text = page.get_textpage()
        try:
            return str(text.get_text_bounded())
        finally:
            text.close()
            page.close()
    finally:
        document.close()


@pytest.mark.parametrize("paper", get_args(Paper))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_says_what_was_paid_by_whom_and_what_there_is(
    language: str, paper: Paper
) -> None:
    """Number, sum with its sign, balance, entry, time of the place; nothing is a question mark."""
    head = Head("École de musique", ZoneInfo("Europe/Paris"), language, paper)
    said = text_of(receipts.receipt(PAID, head, person="Ana Núñez"))
    for part in ("École", "12", "front-desk", "eva", "Ana Núñez", "user:ana", "77", "10:30", "€"):
        assert part in said
    assert "12.34" in said or "12,34" in said
    assert "?" not in said
    assert text_of(receipts.close(SESSION, Sums(1, 5_000_000, 0, 25_000_000), head))


def test_each_language_has_its_own_words() -> None:
    """No sentence of a receipt is left in English."""
    heads = {language: Head("", UTC, language) for language in LANGUAGES}
    said = {language: text_of(receipts.receipt(PAID, head)) for language, head in heads.items()}
    english = {"Receipt", "Till", "Served by", "Account", "Received in cash", "Balance now"}
    for language, text in said.items():
        assert (language == "en") == all(word in text for word in english)
    assert len(set(said.values())) == len(LANGUAGES)


def test_letters_that_the_fonts_have_not_are_written_as_near_as_they_can_be() -> None:
    """A name is never a reason to write no receipt."""
    head = Head("Žluťoučký kůň", UTC)
    said = text_of(receipts.receipt(PAID, head, person="Łukasz Ğ 北\x00"))
    assert "Žlutoucký kun" in said
    assert "ukasz G" in said


def test_a_roll_is_cut_where_the_receipt_ends() -> None:
    """A longer note makes a longer receipt; none is as long as a sheet of paper."""
    head = Head("City Library", UTC, paper="80mm")
    long = [receipts.receipt(each, head) for each in (PAID, replace(PAID, note="in coins " * 60))]
    heights = []
    for pdf in long:
        document = pypdfium2.PdfDocument(BytesIO(pdf))
        heights.append(document[0].get_height() / 72 * 25.4)
        document.close()
    assert 80 <= heights[0] < 120
    assert heights[0] < heights[1] < 200


def test_cash_that_goes_out_is_called_so() -> None:
    """A reversal names what it takes back, and the sum has no sign to be overlooked."""
    back = replace(PAID, kind="payback", micros=-2_000_000, reverses=11, note="wrong person")
    said = text_of(receipts.receipt(back, Head("", UTC)))
    assert "Receipt for cash paid out" in said
    assert "Takes back receipt" in said
    assert "wrong person" in said
    assert "2.00" in said
