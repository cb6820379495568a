"""Text as people search it: no case, no accents, cut into words whose beginnings are typed; pure.

A migration folds what stands in old books by this: who changes it folds them again in another one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Longer words are cut, and only so many are kept of a person.
_LONGEST: Final = 64
_MOST: Final = 40
#: Words of a question that count; who types more has found it.
_TYPED: Final = 6
#: Behind every word that begins with what stands before it.
LAST: Final = "\U0010ffff"

#: Letters that are no letter with an accent, but are typed as if they were.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
    # a dotless i, an apostrophe as printers set it
    | {"\u0131": "i", "\u2019": "'"}
)
#: How German spells them where the accents are missing: both are found.
_SPELT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
_PARTS: Final = re.compile(r"[^\w]+|_+")


def folded(text: str) -> str:
    """Return a text without case and accents, its spaces single; what cannot be seen is gone."""
    if text.isascii() and text.isprintable():
        # most are: nothing of them is taken apart
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(
        " " if each.isspace() else each
        for each in plain
        if each.isspace() or (each.isprintable() and not unicodedata.combining(each))
    )
    return " ".join(kept.translate(_PLAIN).split())


def words(*texts: str, email: str = "") -> tuple[str, ...]:
    """Return the words under which a person is found, in order.

    Each as it is written, in its parts (`o'neil`, `o`, `neil`) and joined (`oneil`). An address
    counts whole and by what stands before its @: what follows is everybody's.
    """
    found: set[str] = set()
    for text in texts:
        for spelt in {folded(text), folded(_respelt(text))}:
            for token in spelt.split():
                found |= _forms(token)
    if address := folded(email).replace(" ", ""):
        found |= {address, *_forms(address.partition("@")[0])}
    return tuple(sorted({word[:_LONGEST] for word in found if word})[:_MOST])


def typed(question: str) -> tuple[str, ...]:
    """Return what somebody typed as beginnings of words, the longest first."""
    tokens = {_bare(each)[:_LONGEST] for each in folded(question).split()}
    return tuple(sorted(tokens - {""}, key=lambda each: (-len(each), each))[:_TYPED])


def _respelt(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().translate(_SPELT)


def _forms(token: str) -> set[str]:
    parts = [each for each in _PARTS.split(token) if each]
    return {_bare(token), *parts, "".join(parts)}


def _bare(token: str) -> str:
    """Return a token without what surrounds it: brackets, commas, quotes."""
    begin, end = 0, len(token)
    while begin < end and not token[begin].isalnum():
        begin += 1
    while end > begin and not token[end - 1].isalnum():
        end -= 1
    return token[begin:end]
