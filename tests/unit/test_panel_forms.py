"""What people type into a panel's forms, and what a page makes of the edge's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import SiteState
from broker.messages.questions import JobChanges, MoneyAtSite
from broker.messages.terminals import WalletHere
from terminal_bridge.panel.forms import wishes_of
from terminal_bridge.panel.pages import elsewhere_of, job_card, jobs_view, releasable
from terminal_bridge.words import words_of

WORDS = words_of("en")


@pytest.mark.parametrize(
    ("typed", "ranges"),
    [
        ("1-3, 7", [(1, 3), (7, 7)]),
        (" 2 ", [(2, 2)]),
        ("1 - 2;4", [(1, 2), (4, 4)]),
    ],
)
def test_pages_as_people_write_them(typed: str, ranges: list[tuple[int, int]]) -> None:
    """Blanks, commas and semicolons are fine."""
    assert wishes_of({"pages": typed}).changes == {"page_ranges": ranges}


@pytest.mark.parametrize("typed", ["3-1", "1,1", "0", "a", "1-", "-4", "1--2", "²", "9" * 11])
def test_pages_that_are_none_are_said_so(typed: str) -> None:
    """What cannot be read changes nothing and is named beside its field."""
    wishes = wishes_of({"pages": typed})
    assert not wishes.changes
    assert "pages" in wishes.wrong


@pytest.mark.parametrize("typed", ["0", "-1", "1000", "2.5", "two", "٣", "1e3"])
def test_copies_that_are_none_are_said_so(typed: str) -> None:
    """A number of copies is one from 1 to 999 in plain digits."""
    assert wishes_of({"copies": typed}).wrong.keys() == {"copies"}


@given(st.dictionaries(st.sampled_from(["copies", "sides", "color", "pages"]), st.text()))
def test_whatever_is_typed_the_edge_can_read(fields: dict[str, str]) -> None:
    """No text that a browser can send fails here, or makes a question that the edge refuses."""
    JobChanges.model_validate(wishes_of(fields).changes)


def row(**more: object) -> dict[str, object]:
    """Return a job as the edge lists it."""
    return {
        "job": "00000000-0000-0000-0000-000000000001",
        "user": "Ana",
        "name": "Thesis.pdf",
        "phase": "held",
        "received_at": "2026-03-02T10:42:00+00:00",
        "impressions": 3,
        "attributes": {"copies": 1, "sides": "one-sided"},
        "outlook": {"printer": "p", "price": [{"account": "user:ana", "unit": "EUR", "micros": 5}]},
    } | more


def test_only_what_needs_no_answer_is_released_with_all() -> None:
    """Refused jobs, questions and jobs under way are neither counted nor added up."""
    outlooks = ({"question": "Really?"}, {"refusal": "no", "reason": "no-price"})
    rows = [row(), row(phase="releasing"), *(row(outlook=each) for each in outlooks)]
    cards = tuple(job_card(WORDS, each, None, "ana") for each in rows)
    assert [releasable(card) for card in cards] == [True, False, False, False]
    view = jobs_view(cards, more=False)
    assert (view.ready, [total.micros for total in view.total]) == (1, [5])


def test_a_row_that_lacks_everything_is_shown_all_the_same() -> None:
    """An edge of another version may say less."""
    card = job_card(WORDS, {}, None, "ana")
    assert card.name == "Document without a name"
    assert not releasable(card)


def test_ones_own_name_is_not_an_owner() -> None:
    """Only other people's jobs say whose they are."""
    assert job_card(WORDS, row(), None, "ana").owner == ""
    assert job_card(WORDS, row(user="ben"), None, "ana").owner == "ben"


def test_where_the_rest_sits_is_said_while_cut_off_too() -> None:
    """As the centre said last; and that it cannot be fetched now."""
    place = MoneyAtSite(site="south", name="South", micros=3_000_000, linked=True)
    wallet = WalletHere(account="user:ana", unit="EUR", here=0, places=(place,))
    state = {
        "node": "edge-1", "site": "North", "role": "remote", "since": "2026-03-02T10:42:00+00:00",
        "waiting": 0, "copies": False, "printers": [],
    }  # fmt: skip
    linked = SiteState.model_validate(state | {"linked": True})
    alone = SiteState.model_validate(state | {"linked": False})
    assert elsewhere_of(WORDS, wallet, linked) == "€3.00 more at South"
    told = elsewhere_of(WORDS, wallet, alone)
    assert told.startswith("€3.00 more at South · ")
    assert "cannot be fetched" in told
