"""What sites said in English of their decisions, read in the language of whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Because
from central.web.pages import me_words, rendering, site_words
from central.web.pages.site_shapes import INNER, SHAPES
from config.policy.accounts import Account
from config.policy.decisions import decide
from config.policy.rules import PointOfPrint
from config.words import LANGUAGES, Words
from tests.unit.policy_cases import asked, attributes, rule, rule_sets, rules, seen

if TYPE_CHECKING:
    from central.web.pages.visit import Visit
    from config.policy.decisions import PolicyView
    from config.policy.rules import RuleSet


@dataclass(frozen=True)
class Reader:
    """Whoever reads, in a language."""

    words: Words

    def say(self, sentence: str, **holes: object) -> str:
        """Translate a sentence."""
        return self.words.gettext(sentence) % holes if holes else self.words.gettext(sentence)

    def say_of(self, one: str, many: str, number: int, **holes: object) -> str:
        """Translate one of two."""
        return self.words.ngettext(one, many, number) % {"num": number, **holes}


def reader(language: str) -> Visit:
    """Return somebody who reads a language."""
    return cast("Visit", Reader(Words.of(language, *rendering.places())))


def views() -> st.SearchStrategy[PolicyView]:
    """Draw what is known at a site: who pays, what printers can, what is missing."""
    full = seen()
    assert full.person is not None
    closed = {**full.accounts, "grant:ana": Account("EUR", enabled=False)}
    pages = replace(full.person, accounts=(), wallets=(("quota:ana", "quota:ana.color"),))
    plain = {"desk": PointOfPrint(color=False), "copier": full.printers["copier"]}
    return st.sampled_from(
        [
            full,
            replace(full, person=None),
            replace(full, person=replace(full.person, enabled=False)),
            replace(full, person=pages),
            replace(full, accounts=closed),
            replace(full, accounts={}),
            replace(full, tariff=None),
            replace(full, printer_known=False),
            replace(full, printers=plain),
            replace(full, available={key: money for key, money in full.available.items() if 0}),
        ]
    )


@given(rule_sets(), views(), attributes, st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_all_that_the_policy_says_is_known(
    by: RuleSet,
    view: PolicyView,
    how: Any,  # noqa: ANN401  a strategy's
    pages: int,
    colour: int,
    confirmed: bool,  # noqa: FBT001  a strategy's
) -> None:
    """A new sentence of the policy is not forgotten here: nobody reads English between."""
    request = asked(pages, min(colour, pages), attributes=how, confirmed=confirmed)
    for each in decide(request, replace(view, rules=by)).because:
        if not (each.code == "refused" and each.rule):
            assert site_words.read(each.text) is not None, each.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_shape_can_be_said_in_each_language(language: str) -> None:
    """No translation wants what the site did not say."""
    visit = reader(language)
    for each in (*SHAPES, *INNER):
        holes = dict.fromkeys(each.pattern().groupindex, "7")
        if each.many:
            assert visit.say_of(each.sentence, each.many, 7, **holes)
        else:
            assert visit.say(each.sentence, **holes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # prices, by the reader's money
        (
            "3 monochrome impressions at 0.05 EUR, 0.15 EUR (tariff 2)",
            "3 Seiten in Schwarz zu je 0,05 €: 0,15 €",
        ),
        (
            "1 color impression at 0.20 EUR, 0.20 EUR (tariff 2)",
            "1 Seite in Farbe für 0,20 €",
        ),
        (
            "50 % of the price so far, -0.10 EUR",
            "50 % des bisherigen Preises: -0,10 €",
        ),
        ("4 pages of the account quota:ana", "4 Seiten von quota:ana"),
        # who pays is called what people call it
        (
            "0.15 EUR of the account department:physics",
            "0,15 € von Institut für Physik",
        ),
        # one thing after another, each known
        (
            "costs 5.00 EUR, here are 3.00 EUR of the account a:b; there is no more elsewhere",
            "Er kostet 5,00 €, und a:b hat an diesem Standort 3,00 €. · anderswo ist nichts mehr",
        ),
        (
            "elsewhere: 2.00 EUR at South, which works alone now",
            "anderswo: 2,00 € an South, das jetzt allein arbeitet",
        ),
        (
            "set aside for as many copies as 40 in black and white, 8 in colour",
            "für Kopien zurückgelegt: 40 in schwarzweiß, 8 in Farbe",
        ),
        ("Desk prints no colour; Hall can", "Desk druckt nicht in Farbe (Hall kann es)."),
        # nobody's: quoted
        ("the moon is full", "„the moon is full“"),
        ("nothing known; 3.00 EUR in all", "„nothing known; 3.00 EUR in all“"),
        ("", ""),
    ],
)
def test_it_is_said_in_german(text: str, said: str) -> None:
    """Money, numbers and names are the reader's; what is not known is shown as it was said."""
    names = {"department:physics": "Institut für Physik"}
    found = site_words.said(reader("de"), text, lambda key: names.get(key, key))
    assert said == found.replace("\N{NO-BREAK SPACE}", " ")


def test_english_is_not_quoted() -> None:
    """Whoever reads English reads what the site said."""
    assert site_words.said(reader("en"), "the moon is full") == "the moon is full"


def test_the_words_of_an_operator_stay_theirs() -> None:
    """A rule says no in the words that were written into it, whatever they look like."""
    by = rules(rule("no colour", {"deny": "this document is empty"}))
    line = decide(asked(), seen(by)).because[-1]
    told = Because(code=line.code, text=line.text, rule=line.rule)
    assert me_words.line(reader("de"), told) == "this document is empty"
    assert me_words.line(reader("de"), told.model_copy(update={"rule": None})) == (
        "Dieses Dokument ist leer."
    )
