"""The languages of what people read at terminals: `config.words`, with the terminals' sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from config.words import LANGUAGES, Words

__all__ = ["LANGUAGES", "Words", "words_of"]

_HERE: Final = Path(__file__).parent
#: Where each kind of terminal has its own sentences.
_PLACES: Final = (_HERE / "panel/locale", _HERE / "popup/locale")


def words_of(language: str | None) -> Words:
    """Return a language's words; a language that is not here is the first of `LANGUAGES`."""
    return Words.of(language, *_PLACES)
