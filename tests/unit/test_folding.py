"""Promises of folding: what people type finds what is written, whatever the accents and case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.folding import LAST, folded, typed, words


@pytest.mark.parametrize(
    ("written", "is_"),
    [
        ("Ana Silva", "ana silva"),
        ("José  Núñez", "jose nunez"),
        # composed or not, it is the same letter
        ("Zoe\u0308", "zoe"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        # letters that no accent makes
        ("Łukasz Øre", "lukasz ore"),
        # what cannot be seen, and what a database refuses
        ("a\u200bn\0a", "ana"),
        ("ﬁne", "fine"),
        ("İpek", "ipek"),
        ("", ""),
    ],
)
def test_folding_leaves_what_is_typed(written: str, is_: str) -> None:
    """Case, accents and what nobody sees are gone; spaces are single."""
    assert folded(written) == is_


@pytest.mark.parametrize(
    ("question", "display"),
    [
        ("mull", "Jörg Müller"),
        ("muell", "Jörg Müller"),
        ("jo mu", "Jörg Müller"),
        ("o'ne", "Sean O\u2019Neil"),
        ("oneil", "Sean O'Neil"),
        ("neil", "Sean O'Neil"),
        ("mar", "Anne-Marie Roux"),
        ("anne-m", "Anne-Marie Roux"),
        ("(ext", "Ana Silva (External)"),
    ],
)
def test_what_is_typed_begins_a_word(question: str, display: str) -> None:
    """Every token of the question is the beginning of a word under which the person stands."""
    stands = words("x", display)
    assert all(any(word.startswith(token) for word in stands) for token in typed(question))


def test_an_address_counts_by_what_stands_before_its_at() -> None:
    """Else everybody would be found under the domain of all."""
    stands = words("as1", "Ana Silva", email="Ana.Silva@Example.org")
    assert {"ana.silva@example.org", "ana.silva", "anasilva"} <= set(stands)
    assert not any(word.startswith("example") for word in stands)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    """What is kept folded and what is typed folded meet."""
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=30), st.integers(1, 8))
def test_every_beginning_is_found_by_a_range(text: str, length: int) -> None:
    """From what was typed up to the last character behind it stands all that begins so."""
    for word in words(text):
        start = word[:length]
        assert start <= word < start + LAST
        assert typed(start)[:1] in {(start,), ()} or not start[-1].isalnum()
