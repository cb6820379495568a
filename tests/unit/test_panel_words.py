"""What people read at a panel: each sentence in each language, amounts as they write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import terminal_bridge.panel
from config.policy.money import Money
from config.policy.reasons import Reason
from terminal_bridge.panel.sentences import REFUSALS
from terminal_bridge.words import LANGUAGES, words_of

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ROOM = Path(terminal_bridge.panel.__file__).parent
OTHERS = LANGUAGES[1:]
_HOLE = re.compile(r"%\((\w+)\)s|%s")


@cache
def sentences() -> frozenset[str | tuple[str, ...]]:
    """Return all that is marked for translators, in Python and in the templates."""
    found = extract_from_dir(
        str(ROOM),
        [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")],
        options_map={"templates/**.html": {"trim_blocks": "true"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "mark": None},
    )
    return frozenset(message for _, _, message, _, _ in found)


def catalog(language: str) -> Catalog:
    """Return what a translator wrote."""
    with (ROOM / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_missing(language: str) -> None:
    """Whoever reads French reads no English between, unless it is the site's own words."""
    said = catalog(language)
    missing = [
        each
        for each in sentences()
        if (found := said.get(each if isinstance(each, str) else each[0])) is None
        or not found.string
        or not all(found.string)
    ]
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_is_filled_in_everywhere(language: str) -> None:
    """A translation has the same holes as its sentence: none is left out, none fails."""
    wrong = []
    for message in catalog(language):
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        said = message.string or ""
        strings = (said,) if isinstance(said, str) else tuple(said)
        holes = set().union(*(_HOLE.findall(each) for each in ids))
        if ids[0] and any(not set(_HOLE.findall(each)) <= holes for each in strings):
            wrong.append(ids[0])
    assert wrong == []


def test_each_reason_of_a_refusal_has_its_sentence() -> None:
    """No reason of the policy reaches people as a bare code."""
    assert set(Reason) <= set(REFUSALS)


def test_amounts_are_written_as_people_write_them() -> None:
    """At least as many decimals as the currency has; prices finer than a cent keep theirs."""
    french, english = words_of("fr"), words_of("en")
    assert english.money(Money(600_000, "EUR")) == "€0.60"
    assert french.money(Money(61_500, "EUR")).replace("\u202f", " ") == "0,0615\u00a0€"
    assert french.money(Money(1_000_000, "page")) == "1 page"
    assert english.money(Money(12_000_000, "page")) == "12 pages"
    assert english.moneys(()) == "free"


def test_times_of_today_have_no_date() -> None:
    """A time of another day says which."""
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    words = words_of("en")
    assert words.clock(now.replace(hour=10, minute=42), now) == "10:42"
    assert words.clock(now.replace(day=1, hour=10, minute=42), now) == "1 Mar, 10:42"


def test_an_unknown_language_is_the_first() -> None:
    """A person whose language is not here reads English, and nothing fails."""
    assert words_of("eo").language == words_of(None).language == "en"
