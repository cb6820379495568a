"""Numbers and times written from what was learnt once: the same as Babel writes each anew."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest
from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, format_percent
from hypothesis import given
from hypothesis import strategies as some

from config.numerals import Moments, Numerals
from config.policy.money import PAGE, UNIT_MICROS, Money
from config.words import LANGUAGES, Words

if TYPE_CHECKING:
    from pathlib import Path

LOCALES = {each: Locale.parse("en_GB" if each == "en" else each) for each in LANGUAGES}
MICROS = some.integers(-(10**16), 10**16)
MOMENTS = some.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=some.just(UTC))  # noqa: DTZ001  the strategy adds it
languages = pytest.mark.parametrize("language", LANGUAGES)


@languages
@given(value=some.integers(-(10**15), 10**15))
def test_whole_numbers_are_babels(language: str, value: int) -> None:
    """A whole number of any size is grouped as its readers expect."""
    assert format_decimal(value, locale=LOCALES[language]) == Words.of(language).number(value)


@languages
@given(
    value=some.decimals(-(10**9), 10**9, allow_nan=False, places=6), decimals=some.integers(0, 4)
)
def test_decimals_are_babels(language: str, value: Decimal, decimals: int) -> None:
    """A number is rounded where it is said to be, and shows no zeros at its end."""
    exact = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    expected = format_decimal(exact, locale=LOCALES[language])
    assert expected == Words.of(language).number(value, decimals)


@languages
@given(share=some.floats(-10, 10), decimals=some.integers(0, 2))
def test_shares_are_babels(language: str, share: float, decimals: int) -> None:
    """A share has its sign where the language has it."""
    exact = Decimal(str(share)).quantize(Decimal(1).scaleb(-decimals - 2), ROUND_HALF_UP)
    expected = format_percent(exact, locale=LOCALES[language], decimal_quantization=False)
    assert expected == Words.of(language).percent(share, decimals)


@languages
@pytest.mark.parametrize("unit", ["EUR", "USD", "CHF", "JPY", "KWD", "SEK", "GBP"])
@given(micros=MICROS)
def test_money_is_babels(language: str, unit: str, micros: int) -> None:
    """An amount has the decimals of its currency, and all that count besides."""
    value = Decimal(micros) / UNIT_MICROS
    expected = format_currency(value, unit, locale=LOCALES[language], decimal_quantization=False)
    assert expected == Words.of(language).money(Money(micros, unit))


@languages
@given(micros=MICROS)
def test_balances_in_pages_are_babels(language: str, micros: int) -> None:
    """Pages are written as numbers are, whole or not."""
    value = Decimal(micros) / UNIT_MICROS
    expected = format_decimal(value, locale=LOCALES[language], decimal_quantization=False)
    assert Words.of(language).money(Money(micros, PAGE)).startswith(f"{expected} ")


@languages
@given(moment=MOMENTS)
def test_times_are_babels(language: str, moment: datetime) -> None:
    """Dates and times stand in the order, and with the names, that the language has for them."""
    words, locale = Words.of(language), LOCALES[language]
    assert format_datetime(moment, "medium", locale=locale) == words.exact(moment)
    assert format_date(moment, "medium", locale=locale) == words.day(moment)
    assert format_date(moment, "d MMM", locale=locale) == words.short_day(moment)
    assert format_time(moment, "short", locale=locale) == words.clock(moment)


def test_what_is_not_known_is_not_guessed() -> None:
    """Other groups than of three digits, or a field nobody knows, are found at the start."""
    with pytest.raises(ValueError, match="12,34,567"):
        Numerals.learnt(lambda _value: "12,34,567", ".")
    with pytest.raises(KeyError):
        Moments.learnt("%(EEEE)s", {})
    assert Moments.learnt("%(d)s. %(MMM)s", {5: "mai"}).write(datetime(2026, 5, 2, tzinfo=UTC)) == (
        "2. mai"
    )


def test_a_later_file_has_the_last_word(tmp_path: Path) -> None:
    """Sentences of several files are found, also where one has the singular alone."""
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
    plurals = head + '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
    for name, text in (
        ("a", f'{plurals}\nmsgid "page"\nmsgid_plural "pages"\nmsgstr[0] "p"\nmsgstr[1] "pp"\n'),
        ("b", f'{plurals}\nmsgid "page"\nmsgstr "p"\n\nmsgid "ink"\nmsgstr "encre"\n'),
        ("c", f'{plurals}\nmsgid "ink"\nmsgstr "toner"\n\nmsgid "bin"\nmsgstr ""\n'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fr.po").write_text(text)
    words = Words.of("fr", *(tmp_path / name for name in "abc"))
    assert (words.gettext("ink"), words.gettext("bin")) == ("toner", "bin")
    assert [words.ngettext("page", "pages", n) for n in range(3)] == ["p", "p", "pp"]
    assert words.gettext("page") == "p"
