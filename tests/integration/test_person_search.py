"""Promises of finding people: in step with the directory, whoever puts what, and as one types."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from broker.directory import CardRow, UserRow
from central.folding import words
from central.store import card_holders, cards, directory, person, person_search
from central.store.person import Particulars
from central.store.person_search import Which, cursor_of
from central.store.tables import card_holder, person_group, person_word
from central.store.tables import person as person_table
from tests.integration.books_lab import open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books, Transaction
    from central.store.person_search import Order


@pytest.fixture
def books() -> Iterator[Books]:
    """Open empty books."""
    opened = open_books()
    yield opened
    opened.close()


def enter(tx: Transaction, name: str, display: str = "", *groups: str, **about: str) -> None:
    """Enter somebody."""
    directory.put(tx, "user", name, UserRow(name=name, display=display, groups=groups))
    if about:
        person.set_all(tx, {name: Particulars(**about)})  # type: ignore[arg-type]


def named(tx: Transaction, text: str, **which: object) -> list[str]:
    """Return whom a search finds, in its order."""
    found = person_search.suggest(tx, text, which=Which(**which))  # type: ignore[arg-type]
    return [each.name for each in found]


# ── in step ─────────────────────────────────────────────────────────────────────────────────


def in_step(tx: Transaction) -> bool:
    """Say whether what the centre keeps beside the directory is what the directory says."""
    rows = {name: UserRow.model_validate(row) for name, row in directory.live(tx, "user")}
    held = {key: row["user"] for key, row in directory.live(tx, "card")}
    people = {each.name: each for each in person.every(tx)}
    kept = {row.card: row.user for row in tx.sql.execute(select(card_holder))}
    groups = {(row.group, row.user) for row in tx.sql.execute(select(person_group))}
    found = {(row.word, row.user) for row in tx.sql.execute(select(person_word))}
    return (
        kept == held
        and {name: (each.display, each.groups, each.enabled) for name, each in people.items()}
        == {name: (row.display, row.groups, row.enabled) for name, row in rows.items()}
        and groups == {(group, name) for name, row in rows.items() for group in row.groups}
        and found
        == {
            (word, name)
            for name, row in rows.items()
            for word in words(name, row.display, email=people[name].about.email)
        }
    )


_NAMES = st.sampled_from(["ana", "ben", "cleo"])
_ROWS = st.builds(
    UserRow,
    name=_NAMES,
    display=st.sampled_from(["", "Ana Silva", "José Núñez", "a\u0300b c"]),
    groups=st.lists(st.sampled_from(["staff", "chess"]), max_size=3).map(tuple),
    enabled=st.booleans(),
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _ROWS),
        st.tuples(st.just("all"), st.lists(_ROWS, max_size=3)),
        st.tuples(st.just("remove"), _NAMES),
        st.tuples(st.just("mail"), _NAMES),
        st.tuples(st.just("card"), _NAMES),
        st.tuples(st.just("no card"), _NAMES),
    ),
    max_size=12,
)


class Undone(Exception):
    """Nothing of it is to stay."""


def test_whatever_is_put_people_are_in_step(books: Books) -> None:
    """One place keeps names, words, groups and cards as the directory has them."""

    @settings(max_examples=60, deadline=None)
    @given(_STEPS)
    def holds(steps: list[tuple[str, object]]) -> None:
        with suppress(Undone), books.write() as tx:
            for what, of in steps:
                _step(tx, what, of)
                assert in_step(tx)
            raise Undone

    holds()


def _step(tx: Transaction, what: str, of: object) -> None:
    match what, of:
        case "put", UserRow() as row:
            directory.put(tx, "user", row.name, row)
        case "all", list() as rows:
            directory.put_all(tx, "user", {row.name: row for row in rows})
        case "remove", str() as name:
            directory.remove(tx, "user", name)
        case "mail", str() as name:
            person.set_all(tx, {name: Particulars(email=f"{name}@example.org")})
        case "card", str() as name:
            directory.put(tx, "card", "c1", CardRow(user=name))
        case _:
            directory.put_all(tx, "card", {"c1": None})


def test_particulars_stay_where_a_row_is_put_again(books: Books) -> None:
    """Who puts a row knows nothing of them; enabled by hand, nothing is left of why not."""
    with books.write() as tx:
        enter(tx, "ana", "Ana", email="Ana@Example.org", department="Art", ended="left")
        row = UserRow(name="ana", display="Ana S.", enabled=False)
        directory.put(tx, "user", "ana", row)
        found = person.find(tx, "ana")
        assert found is not None
        assert (found.about.email, found.about.department) == ("ana@example.org", "Art")
        assert found.about.ended == "left"
        directory.put(tx, "user", "ana", row.model_copy(update={"enabled": True}))
        found = person.find(tx, "ana")
        assert found is not None
        assert found.about.ended == ""


def test_cards_are_found_by_person(books: Books) -> None:
    """Also after a card went on to somebody else; the source that told of it stays known."""
    with books.write() as tx:
        directory.put(tx, "card", "c1", CardRow(user="ana"))
        directory.put(tx, "card", "c2", CardRow(user="ana", blocked=True))
        card_holders.from_source(tx, ["c1"], "csv")
        assert [card.key for card in cards.every(tx, "ana")] == ["c1", "c2"]
        directory.put(tx, "card", "c1", CardRow(user="ben"))
        assert [card.key for card in cards.every(tx, "ben")] == ["c1"]
        assert card_holders.every(tx)["c1"] == card_holders.Holder("ben", "csv")
        assert card_holders.blocked(tx) == frozenset({"c2"})


# ── as one types ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def school(books: Books) -> Books:
    """Enter some people."""
    with books.write() as tx:
        enter(tx, "mar", "Zacharias Quist", "staff")
        enter(tx, "ana.silva", "Ana María Silva", "staff", email="ana@example.org")
        enter(tx, "mueller", "Jörg Müller", "chess", department="Art")
        enter(tx, "zoe", "Zoé Marchand", "chess", "staff", source="ldap:school")
        directory.put(tx, "user", "old", UserRow(name="old", display="Maria Old", enabled=False))
    return books


#: What is typed, and whom it means.
TYPED: tuple[tuple[str, list[str]], ...] = (
    # whose user name it is comes first, whatever else begins so
    ("mar", ["mar", "zoe", "ana.silva", "old"]),
    # accents and case are no matter, in either way
    ("MÜLL", ["mueller"]),
    ("muell", ["mueller"]),
    ("jorg m", ["mueller"]),
    # all words, in any order
    ("sil ana", ["ana.silva"]),
    ("ana quist", []),
    ("ana@ex", ["ana.silva"]),
    # an address to its end is as good as a user name
    ("ana@example.org", ["ana.silva"]),
    ("example", []),
    ("  ", []),
    ("%", []),
    ("a\0na", ["ana.silva"]),
)


def test_what_is_typed_finds_whom_it_means(school: Books) -> None:
    """The likeliest first."""
    with school.read() as tx:
        assert [(text, named(tx, text)) for text, _ in TYPED] == list(TYPED)


def test_filters_narrow_a_search(school: Books) -> None:
    """Each of them, and together."""
    with school.read() as tx:
        assert named(tx, "mar", group="staff") == ["mar", "zoe", "ana.silva"]
        assert named(tx, "mar", enabled=False) == ["old"]
        assert named(tx, "m", department="Art") == ["mueller"]
        assert named(tx, "mar", source="ldap:school", group="chess") == ["zoe"]


@pytest.mark.parametrize("few", [0, 1000])
def test_pages_are_the_whole_list(school: Books, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after page everybody is there once, in order, as many as are counted; both ways."""
    monkeypatch.setattr(person_search, "_FEW", few)
    orders: tuple[Order, Order] = ("read", "name")
    for order, which in product(orders, WHICH):
        _assert_whole(school, order, which)


WHICH = (
    Which(),
    Which("mar"),
    Which("m ar"),
    Which(group="staff"),
    Which("m", group="chess"),
    Which("mar", enabled=True),
    Which(enabled=True, group="staff"),
)


def _assert_whole(school: Books, order: Order, which: Which) -> None:
    with school.read() as tx:
        whole = person_search.page(tx, which, order=order)
        seen: list[str] = []
        after = None
        while part := person_search.page(tx, which, order=order, after=after, limit=1):
            seen += [each.name for each in part]
            after = cursor_of(part[-1])
        assert seen == [each.name for each in whole]
        assert len(seen) == person_search.count(tx, which)
        assert person_search.count(tx, which, at_most=1) == min(len(seen), 1)
        keys = [each.folded if order == "read" else each.name for each in whole]
        assert keys == sorted(keys)


def test_groups_departments_and_sources_are_counted(school: Books) -> None:
    """What filters offer."""
    with school.read() as tx:
        assert person_search.groups(tx) == [("chess", 2), ("staff", 3)]
        assert person_search.departments(tx) == [("Art", 1)]
        assert person_search.sources(tx) == [("ldap:school", 1, 1), ("local", 4, 3)]


def test_removed_people_leave_nothing(school: Books) -> None:
    """No word, no group, no row."""
    with school.write() as tx:
        for name in ("mar", "ana.silva", "mueller", "zoe", "old"):
            directory.remove(tx, "user", name)
        for table in (person_table, person_word, person_group):
            assert tx.sql.execute(select(table)).all() == []
