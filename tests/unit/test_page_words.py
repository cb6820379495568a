"""What people read at the centre's pages: each sentence in each language, with the same holes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import central.web.pages
from config.words import LANGUAGES

ROOM = Path(central.web.pages.__file__).parent
OTHERS = LANGUAGES[1:]
#: A page for those who work on pages; its words are English.
_NOT_FOR_PEOPLE = ("parts-page.html", "routes_parts.py")
_HOLE = re.compile(r"%\((\w+)\)s|%s")


@cache
def sentences() -> frozenset[str | tuple[str, ...]]:
    """Return all that is marked for translators, in Python and in the templates."""
    found = extract_from_dir(
        str(ROOM),
        [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")],
        options_map={"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}},
        keywords={
            **dict.fromkeys(("_", "gettext", "mark")),
            **dict.fromkeys(("ngettext", "say_of", "mark_of"), (1, 2)),
        },
    )
    return frozenset(each[2] for each in found if not each[0].endswith(_NOT_FOR_PEOPLE))


@cache
def said(language: str) -> dict[str, tuple[str, ...]]:
    """Return what translators wrote, of all subjects together."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOM / "locale").glob(f"*/{language}.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                key = message.id if isinstance(message.id, str) else message.id[0]
                strings = message.string or ""
                found[key] = (strings,) if isinstance(strings, str) else tuple(strings)
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_missing(language: str) -> None:
    """Whoever reads French reads no English between."""
    keys = {each: each if isinstance(each, str) else each[0] for each in sentences()}
    missing = [each for each, key in keys.items() if not all(said(language).get(key, ("",)))]
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_plurals_have_both_forms(language: str) -> None:
    """One page and two pages are written differently where the language does."""
    plurals = [each for each in sentences() if isinstance(each, tuple)]
    assert [each for each in plurals if len(said(language).get(each[0], ())) < 2] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_is_filled_in_everywhere(language: str) -> None:
    """A translation has no hole that its sentence has not: none fails."""
    plural = {each[0]: each[1] for each in sentences() if isinstance(each, tuple)}
    wrong = [
        key
        for key, strings in said(language).items()
        for each in strings
        if key and set(_HOLE.findall(each)) - set(_HOLE.findall(key + plural.get(key, "")))
    ]
    assert wrong == []
