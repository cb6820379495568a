"""The languages of what people read: sentences, plural forms, numbers, money and times.

Sentences are where they are said: whoever wants a language names the places of its files. Babel
stands in this room only.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from babel import Locale
from babel.dates import (
    format_timedelta,
    get_date_format,
    get_datetime_format,
    get_month_names,
    get_time_format,
    parse_pattern,
)
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import (
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
)

from config.numerals import Moments, Numerals
from config.policy.money import PAGE, UNIT_MICROS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

    from babel.dates import DateTimePattern

    from config.policy.money import Money

#: ISO 639-1. Sentences are written in the first; the others have a file each.
LANGUAGES: Final = ("en", "fr", "de", "es")
#: Where the language alone says too little: 24 hours a day.
_LOCALES: Final = {"en": "en_GB"}
_NAMES: Final = {"en": "English", "fr": "Français", "de": "Deutsch", "es": "Español"}
#: A time that is nearer is told by its distance.
_NEAR: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """An amount in pieces, for a field to type it into."""

    number: str
    """With as many decimals as the currency has, as the language writes them, not grouped."""
    symbol: str
    """Of the currency; the word for pages."""
    before: bool
    """The symbol stands before the number."""


class Words:
    """One language. `Words.of("fr", place)`; one that is not here is the first of `LANGUAGES`."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        """ISO 639-1."""
        self.name = _NAMES[language]
        """In itself."""
        self._locale = Locale.parse(_LOCALES.get(language, language))
        self.gettext = translations.gettext
        """Translate a sentence."""
        self.ngettext = translations.ngettext
        """Translate one of two sentences, by a number."""
        # what is written cell by cell is learnt from Babel, not asked of it for each
        self._point = get_decimal_symbol(self._locale)
        self._numbers = Numerals.learnt(self._asked_number, self._point)
        self._exact = Numerals.learnt(self._asked_exact, self._point)
        self._percents = Numerals.learnt(self._asked_percent, self._point)
        self._currencies: dict[str, Numerals] = {}
        months = get_month_names("abbreviated", locale=self._locale)
        date = _pattern(get_date_format("medium", self._locale))
        time = _pattern(get_time_format("medium", self._locale))
        both = str(get_datetime_format("medium", self._locale)).replace("'", "")
        self._clocks = Moments.learnt(_pattern(get_time_format("short", self._locale)), months)
        self._days = Moments.learnt(date, months)
        self._short_days = Moments.learnt(_pattern(parse_pattern("d MMM")), months)
        self._moments = Moments.learnt(both.format(time, date), months)

    def _asked_number(self, value: Decimal) -> str:
        return format_decimal(value, locale=self._locale)

    def _asked_exact(self, value: Decimal) -> str:
        return format_decimal(value, locale=self._locale, decimal_quantization=False)

    def _asked_percent(self, hundredths: Decimal) -> str:
        share = hundredths.scaleb(-2)
        return format_percent(share, locale=self._locale, decimal_quantization=False)

    def _currency(self, unit: str) -> Numerals:
        found = self._currencies.get(unit)
        if found is None:

            def asked(value: Decimal) -> str:
                return format_currency(value, unit, locale=self._locale, decimal_quantization=False)

            # kept for good: currencies are few
            found = self._currencies[unit] = Numerals.learnt(asked, self._point)
        return found

    @staticmethod
    def of(language: str | None, *places: Path) -> Words:
        """Return a language's words.

        Args:
            language: ISO 639-1; None: the first.
            places: directories with a file `fr.po` for each language but the first.
        """
        return _words(language if language in LANGUAGES else LANGUAGES[0], places)

    # ── money ───────────────────────────────────────────────────────────────────────────────

    def money(self, amount: Money) -> str:
        """Write an amount: at least as many decimals as the currency has, and all that count."""
        value = Decimal(amount.micros) / UNIT_MICROS
        if amount.unit == PAGE:
            number = self._exact.write(value)
            whole = abs(amount.micros) // UNIT_MICROS + bool(amount.micros % UNIT_MICROS)
            return self.ngettext("%(num)s page", "%(num)s pages", whole) % {"num": number}
        return self._currency(amount.unit).write(value)

    def moneys(self, amounts: Iterable[Money]) -> str:
        """Write what several accounts pay."""
        return " + ".join(map(self.money, amounts)) or self.gettext("free")

    def money_parts(self, amount: Money) -> MoneyParts:
        """Return an amount in pieces."""
        value = Decimal(amount.micros) / UNIT_MICROS
        if amount.unit == PAGE:
            number = format_decimal(value, "0.######", locale=self._locale)
            return MoneyParts(number, self.ngettext("page", "pages", 2), before=False)
        digits = get_currency_precision(amount.unit)
        shape = "0." + "0" * digits + "#" * (6 - digits) if digits else "0.######"
        number = format_decimal(value, shape, locale=self._locale)
        pattern = self._locale.currency_formats["standard"].pattern
        symbol = get_currency_symbol(amount.unit, locale=self._locale)
        return MoneyParts(number, symbol, before=pattern.startswith("¤"))

    def typed(self, text: str) -> str:
        """Return a number as people of this language type it in the form that `Money.parse` reads.

        What is no number comes back as it is: the reader refuses it with its own words.
        """
        plain = text.strip().replace("\N{NO-BREAK SPACE}", "").replace("\u202f", "")
        if self._point == "," and "," in plain:
            plain = plain.replace(".", "").replace(",", ".")
        return plain.replace(" ", "")

    # ── numbers ─────────────────────────────────────────────────────────────────────────────

    def number(self, value: float | Decimal, decimals: int = 0) -> str:
        """Write a number with so many decimals at most."""
        if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            return self._numbers.whole(int(value))
        exact = Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        return self._numbers.write(exact)

    def percent(self, share: float, decimals: int = 0) -> str:
        """Write a share: 0.08 as 8 %."""
        exact = Decimal(str(share)).quantize(Decimal(1).scaleb(-decimals - 2), ROUND_HALF_UP)
        return self._percents.write(exact.scaleb(2))

    def pages(self, impressions: int, sheets: int | None = None) -> str:
        """Write pages, and the paper they need where that is known: 6 pages (3 sheets)."""
        number = self.number(impressions)
        said = self.ngettext("%(num)s page", "%(num)s pages", impressions) % {"num": number}
        if sheets is None:
            return said
        paper = self.ngettext("%(num)s sheet", "%(num)s sheets", sheets)
        return f"{said} ({paper % {'num': self.number(sheets)}})"

    # ── times; moments are in the zone they are to be written in ────────────────────────────

    def clock(self, moment: datetime, now: datetime | None = None) -> str:
        """Write a time of day; with the date, unless it is today.

        Args:
            moment: in the zone it is to be written in.
            now: in the same.
        """
        time = self._clocks.write(moment)
        if now is None or moment.date() == now.date():
            return time
        return f"{self.short_day(moment)}, {time}"

    def exact(self, moment: datetime) -> str:
        """Write date and time in full."""
        return self._moments.write(moment)

    def day(self, day: date) -> str:
        """Write a date."""
        return self._days.write(day)

    def short_day(self, day: date) -> str:
        """Write a date whose year is plain."""
        return self._short_days.write(day)

    def when(self, moment: datetime, now: datetime) -> str:
        """Write a moment as people say it: by its distance when it is near, else by the clock."""
        if abs(now - moment) < _NEAR:
            return format_timedelta(
                moment - now, threshold=1, add_direction=True, locale=self._locale
            )
        if moment.year == now.year:
            return self.clock(moment, now)
        return self.day(moment)

    def lasting(self, time: timedelta) -> str:
        """Write how long something lasts: 12 minutes."""
        return format_timedelta(time, threshold=1.2, locale=self._locale)


def _pattern(of: DateTimePattern) -> str:
    """Return a pattern with a hole for each field; Babel's types call it something else."""
    return str(of.format)


@cache
def _words(language: str, places: tuple[Path, ...]) -> Words:
    return Words(language, _translations(language, places))


def _translations(language: str, places: tuple[Path, ...]) -> gettext.NullTranslations:
    """Read the files that translators write, as one; machines' own form of it is made on the way.

    A sentence is looked up once then, not in one file after another. Where two files have it, the
    later one counts.
    """
    whole, read = Catalog(locale=language), False
    for place in reversed(places):
        path = place / f"{language}.po"
        if not path.exists():
            continue
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
        for message in catalog:
            # what the catalog has already stays; its first message says how plurals are formed
            if not message.id or (message.string and not message.fuzzy):
                whole[message.id] = message
        read = True
    if not read:
        return gettext.NullTranslations()
    made = BytesIO()
    write_mo(made, whole)
    made.seek(0)
    return gettext.GNUTranslations(made)
