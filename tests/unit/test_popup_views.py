"""What a pop-up shows: foreign text plain and short, the line's state, all in four languages."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.pofile import read_po

from broker.messages.terminals import (
    BalanceAnswer,
)
from terminal_bridge.events import EdgeLost
from terminal_bridge.popup.states import Opened, SiteSaid, Yes
from terminal_bridge.popup.views import SHOWN, harmless, line, view_of
from terminal_bridge.words import LANGUAGES, words_of
from tests.unit.popup_lab import NOON, Bench, balance, job_of, news, no, quote, row, site, yes

if TYPE_CHECKING:
    from terminal_bridge.popup.views import View

ROOM = Path(__file__).parents[2] / "terminal_bridge" / "popup"
NASTY = "<b>Pay\u202efdp.exe\n<a href='http://x'>here</a>&lt;\x1b[31m\u200b\x00" + "x" * 3000


def shown(bench: Bench, language: str = "en") -> View:
    """Return what is shown."""
    return view_of(bench.desk, words_of(language), now=bench.now, clock=NOON)


def asking(language: str = "en", **more: Any) -> View:  # noqa: ANN401  any field of a quote
    """Return the view of a rule's question whose cost is known."""
    bench = Bench().signed_in(row(1))
    bench.happens(SiteSaid(site()))
    bench.happens(news("asks", text="1.pdf: Six pages?"))
    bench.passes(3)
    bench.answer("jobs", yes({"jobs": [row(1)], "more": False}))
    bench.answer("quote", quote(**more))
    return shown(bench, language)


def test_a_question_says_what_it_costs_and_changes() -> None:
    """The rule's own words, pages, cost, conversions; where, and that it can be answered."""
    question = asking(
        sheets=3, color_impressions=2,
        conversions={"print-color-mode": "monochrome", "sides": "two-sided-long-edge"},
    ).question  # fmt: skip
    assert question is not None
    assert (question.text, question.name, question.ready) == ("Six pages?", "1.pdf", True)
    assert question.facts == (
        ("Pages", "6 pages (3 sheets), 2 in colour"),
        ("Cost", "€0.60"),
        ("Will be printed", "in black and white, on both sides"),
    )
    assert (question.printers[1], question.printer) == (("lib-2", "Lib-2"), "lib-1")
    assert question.accounts == ()


def test_accounts_to_choose_are_shown_with_what_they_have() -> None:
    """The person's own first; one that is closed is not offered."""
    bench = Bench().signed_in(row(1))
    told = BalanceAnswer.model_validate(balance(4_200_000, "department:physics").data)
    closed = told.choices[0].model_copy(update={"account": "project:old", "enabled": False})
    bench.passes(35)
    choices = told.model_copy(update={"choices": (*told.choices, closed)})
    bench.answer("balance", yes(choices.model_dump(mode="json")))
    bench.happens(Opened(job_of(1)))
    question = shown(bench).question
    assert question is not None
    assert question.accounts == (
        ("", "My own money"),
        ("department:physics", "Department physics · €4.20"),
    )


def test_a_refused_quote_cannot_be_answered_with_yes() -> None:
    """Its reason stands in the window, in the person's language, with the site's figures."""
    view = asking("fr", allowed=False, price=[], reason="account-limit-reached", refusal="0.60")
    assert view.question is not None
    assert not view.question.ready
    assert view.question.trouble == "Il n\u2019y a pas assez d\u2019argent ici pour cela. (0.60)"


@pytest.mark.parametrize("place", ["list", "question", "note"])
def test_a_document_s_name_is_one_plain_line(place: str) -> None:
    """No control or direction characters, no line ends, at most some length; markup stays text."""
    bench = Bench().signed_in(row(1, name=NASTY))
    if place == "question":
        bench.happens(Opened(job_of(1)))
    if place == "note":
        bench.happens(news("refused", name=NASTY[:255], text=NASTY[:1000]))
    view = shown(bench)
    texts = {
        "list": [view.jobs[0].name],
        "question": [view.question.name] if view.question else [],
        "note": [view.notes[0].title, view.notes[0].text] if view.notes else [],
    }[place]
    assert texts
    for text in texts:
        assert "<b>Pay" in text
        assert not set(text) & set("\n\x1b\x00\u202e\u200b")
        assert len(text) <= 400


def test_what_the_desktop_shows_holds_no_markup() -> None:
    """Notes at the tray go through programs that know tags and entities."""
    assert harmless("<b>R&D &lt;a&gt; &#60;</b>") == "‹b›R&D ＆lt;a＆gt; ＆#60;‹/b›"  # noqa: RUF001
    assert line(" a \t b\r\nc", 4) == "a b…"


def test_the_line_is_never_a_riddle() -> None:
    """Linked, alone since, out of service, not to be reached, signed out: each is said."""
    bench = Bench()
    said = [shown(bench).status]
    bench = Bench().signed_in(row(1))
    since = NOON - timedelta(hours=1)
    for state in (site(), site(linked=False, since=since, waiting=214), site(out_of_service="no")):
        bench.happens(SiteSaid(state))
        said.append(shown(bench).status)
    assert shown(bench).detail == "no"
    bench.happens(EdgeLost())
    assert not shown(bench).online
    bench = Bench().signed_in()
    bench.passes(35)
    bench.answer("balance", no("no-identity"))
    bench.answer("identify", no("user-disabled", "ask"))
    said.append(shown(bench).status)
    assert said == [
        "Your site cannot be reached from here",
        "North is linked",
        "North works alone since 11:00",
        "North is out of service",
        "You are not signed in",
    ]


def test_a_late_answer_and_an_unanswered_question_are_told() -> None:
    """What became of it stands among what happened: it stays held."""
    bench = Bench().signed_in(row(1))
    bench.happens(news("asks"))
    bench.passes(301)
    bench.happens(Yes(job_of(1)))
    late, unanswered = shown(bench).notes[:2]
    assert late.title == "Your answer about 1.pdf came too late"
    assert unanswered.text == "It stays held. You can release it here or at a printer."


def test_a_job_that_would_be_refused_says_why() -> None:
    """In the person's language, with the site's figures behind it."""
    outlook = {"printer": "lib-1", "refusal": "costs 9", "reason": "account-limit-reached"}
    (job,) = shown(Bench().signed_in(row(1, outlook=outlook)), "de").jobs
    assert job.remark == "Dafür ist hier nicht genug Guthaben. (costs 9)"
    assert job.tone == "trouble"


def test_a_long_list_is_cut_and_counted() -> None:
    """Fifty jobs are enough for a small window; how many more there are is said."""
    view = shown(Bench().signed_in(*(row(n) for n in range(SHOWN + 3))))
    assert (len(view.jobs), view.more) == (SHOWN, "3 more jobs")


def sentences() -> set[str]:
    """Return every sentence that stands in the pop-up's files, as it is in English."""
    found: set[str] = set()
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in {"say", "_say", "gettext", "ngettext"}:
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                found |= {each for each in texts if isinstance(each, str)}
    return found


def texts_of(given: object) -> tuple[str, ...]:
    """Return the forms of a sentence: one, or singular and plural."""
    return tuple(map(str, given)) if isinstance(given, tuple | list) else (str(given or ""),)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_everything_is_said_in_every_language(language: str) -> None:
    """Each sentence has its translation, with the same names in it; none is left over."""
    with (ROOM / "locale" / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    known: set[str] = set()
    for message in catalog:
        ids, made = texts_of(message.id), texts_of(message.string)
        if not ids[0]:
            continue  # the head of the file
        known |= set(ids)
        assert not message.fuzzy
        assert all(made), ids
        names = {tuple(sorted(re.findall(r"%\(\w+\)s", text))) for text in (*ids, *made)}
        assert len(names) == 1, ids
    ours = sentences()
    assert ours - known == set()
    # those of terminal_bridge.words are said here too
    assert known - ours <= {"free", "%(num)s page", "%(num)s pages"}
