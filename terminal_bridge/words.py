"""The languages of what people read: sentences, plural forms, money and times."""

from __future__ import annotations

import gettext
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from config.policy.money import PAGE, UNIT_MICROS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from config.policy.money import Money

_HERE: Final = Path(__file__).parent
#: Where each kind of terminal has its own sentences.
_PLACES: Final = ("panel/locale", "popup/locale")
#: ISO 639-1. Sentences are written in the first; the others have a file each.
LANGUAGES: Final = ("en", "fr", "de", "es")
#: Where the language alone says too little: 24 hours a day.
_LOCALES: Final = {"en": "en_GB"}
_NAMES: Final = {"en": "English", "fr": "Français", "de": "Deutsch", "es": "Español"}


class Words:
    """One language. `Words.of("fr")`; a language that is not here is the first of `LANGUAGES`."""

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

    @staticmethod
    def of(language: str | None) -> Words:
        """Return a language's words."""
        return _words(language if language in LANGUAGES else LANGUAGES[0])

    def money(self, amount: Money) -> str:
        """Write an amount: at least as many decimals as the currency has, and all that count."""
        value = Decimal(amount.micros) / UNIT_MICROS
        if amount.unit == PAGE:
            number = format_decimal(value, locale=self._locale, decimal_quantization=False)
            whole = abs(amount.micros) // UNIT_MICROS + bool(amount.micros % UNIT_MICROS)
            return self.ngettext("%(num)s page", "%(num)s pages", whole) % {"num": number}
        return format_currency(value, amount.unit, locale=self._locale, decimal_quantization=False)

    def moneys(self, amounts: Iterable[Money]) -> str:
        """Write what several accounts pay."""
        return " + ".join(map(self.money, amounts)) or self.gettext("free")

    def clock(self, moment: datetime, now: datetime | None = None) -> str:
        """Write a time of day; with the date, unless it is today.

        Args:
            moment: in the zone it is to be written in.
            now: in the same.
        """
        time = format_time(moment, "short", locale=self._locale)
        if now is None or moment.date() == now.date():
            return time
        return f"{format_date(moment, 'd MMM', locale=self._locale)}, {time}"

    def exact(self, moment: datetime) -> str:
        """Write date and time in full."""
        return format_datetime(moment, "medium", locale=self._locale)


@cache
def _words(language: str) -> Words:
    return Words(language, _translations(language))


def _translations(language: str) -> gettext.NullTranslations:
    """Read the files that translators write; machines' own form of them is made on the way."""
    found = gettext.NullTranslations()
    for place in _PLACES:
        path = _HERE / place / f"{language}.po"
        if not path.exists():
            continue
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
        made = BytesIO()
        write_mo(made, catalog)
        made.seek(0)
        more = gettext.GNUTranslations(made)
        more.add_fallback(found)
        found = more
    return found
