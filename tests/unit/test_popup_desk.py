"""The pop-up's desk: nothing is printed without a yes, and whatever is not answered stays held."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from terminal_bridge.events import EdgeBack, EdgeLost, NoAnswer, TimeUp
from terminal_bridge.popup.states import (
    NOTES,
    QUESTIONS,
    Chosen,
    Later,
    Opened,
    SiteSaid,
    Throw,
    Yes,
)
from tests.unit.popup_lab import (
    PATIENCE,
    Bench,
    balance,
    identity,
    job_of,
    news,
    no,
    quote,
    row,
    site,
    yes,
)

ONE, TWO = job_of(1), job_of(2)


def asking() -> Bench:
    """Give a desk at which a rule asks about the first job, and its cost is known."""
    bench = Bench().signed_in(row(1))
    bench.happens(news("asks"))
    bench.passes(3)
    bench.answer("jobs", yes({"jobs": [row(1)], "more": False}))
    bench.answer("quote", quote())
    return bench


def test_it_is_signed_in_without_a_word() -> None:
    """As soon as the edge is there: nothing is shown, and jobs and balance are asked for."""
    bench = Bench().signed_in(row(1), row(2))
    assert bench.asked("identify") == [{}]
    assert bench.asked("jobs") == [{"person": {"session": str(UUID(int=1))}}]
    assert list(bench.desk.jobs) == [ONE, TWO]
    assert bench.desk.balance is not None


def test_a_session_is_kept_and_begun_again() -> None:
    """It is used before it ends; ended all the same, the pop-up is signed in again and lists."""
    bench = Bench().signed_in()
    bench.passes(29)
    assert len(bench.asked("balance")) == 1
    bench.passes(2)
    assert len(bench.asked("balance")) == 2
    bench.answer("balance", no("no-identity"))
    bench.answer("identify", identity(2))
    assert bench.asked("jobs")[-1] == {"person": {"session": str(UUID(int=2))}}


def test_a_long_list_is_read_to_its_end() -> None:
    """Page by page; an answer that has no jobs ends it."""
    bench = Bench()
    bench.happens(EdgeBack())
    bench.answer("identify", identity())
    bench.answer("jobs", yes({"jobs": [row(n) for n in range(50)], "more": True}))
    bench.answer("jobs", yes({"jobs": [row(50), {"job": "?"}, 7], "more": False}))
    assert bench.asked("jobs")[1]["after"] == str(job_of(49))
    assert len(bench.desk.jobs) == 51


def test_a_yes_releases_what_was_asked_about() -> None:
    """The price is looked up as if confirmed; yes is said to the edge once, however often typed."""
    bench = asking()
    assert bench.asked("quote")[-1]["confirmed"] is True
    for _ in range(3):
        bench.happens(Yes(ONE))
    session = {"session": str(UUID(int=1))}
    assert bench.asked("release") == [
        {"job": str(ONE), "person": session, "printer": "lib-1", "confirmed": True}
    ]
    bench.answer("release", yes({"job": row(1, phase="releasing")}))
    assert bench.desk.questions == ()
    bench.happens(news("released"))
    assert [each.kind for each in bench.desk.notes] == ["released"]


def test_another_printer_and_account_are_quoted_and_charged() -> None:
    """What is chosen is what is quoted and released; a price of something else is not shown."""
    bench = asking()
    bench.happens(Chosen(ONE, "lib-2", None))
    stale = bench.open()["quote"]
    bench.happens(Chosen(ONE, None, "department:physics"))
    assert bench.asked("quote")[-1]["account"] == "department:physics"
    bench.answer("quote", quote(1_000_000))
    bench.happens(NoAnswer(stale))
    bench.happens(Yes(ONE))
    released = bench.asked("release")[-1]
    assert (released["printer"], released["account"]) == ("lib-2", "department:physics")


def test_a_yes_is_to_the_question_that_was_read() -> None:
    """None was shown, or another place was chosen since: the edge may ask, and is answered then."""
    bench = Bench().signed_in(row(1, outlook={"printer": "lib-1"}))
    bench.happens(Opened(ONE))
    bench.happens(Yes(ONE))
    assert bench.asked("release")[-1]["confirmed"] is False
    bench.answer("release", no("answer-needed", "Really?"))
    bench.happens(Chosen(ONE, "lib-2", None))
    bench.happens(Yes(ONE))
    assert bench.asked("release")[-1]["confirmed"] is False
    bench.answer("release", no("answer-needed", "In the cellar?"))
    assert bench.desk.questions[0].text == "In the cellar?"
    bench.happens(Yes(ONE))
    assert bench.asked("release")[-1]["confirmed"] is True


def test_nobody_answers_and_it_stays_held() -> None:
    """After its time the question closes, it is said, and nothing was asked of the edge."""
    bench = asking()
    bench.passes(PATIENCE)
    assert bench.desk.questions == ()
    assert bench.kinds()[-1] == "unanswered"
    assert bench.asked("release") == []
    assert bench.asked("cancel") == []


def test_an_answer_that_comes_late_prints_nothing() -> None:
    """The click after the end is told to be late; the job is still on the list."""
    bench = asking()
    bench.passes(PATIENCE)
    bench.happens(Yes(ONE))
    assert bench.kinds()[-1] == "too-late"
    assert bench.asked("release") == []
    assert ONE in bench.desk.jobs


def test_two_questions_are_asked_one_after_the_other() -> None:
    """The second has all its time from when it is seen."""
    bench = asking()
    bench.happens(news("asks", 2))
    assert [each.job for each in bench.desk.questions] == [ONE, TWO]
    bench.passes(PATIENCE - 10)
    bench.happens(Later(ONE))
    bench.passes(PATIENCE - 1)
    assert [each.job for each in bench.desk.questions] == [TWO]
    bench.passes(2)
    assert bench.desk.questions == ()


def test_what_is_opened_by_hand_comes_first_and_waits() -> None:
    """A job of the list is asked about before a rule's question, and has no end by itself."""
    bench = asking()
    bench.happens(news("held", 2))
    bench.passes(3)
    bench.answer("jobs", yes({"jobs": [row(1), row(2, outlook={"printer": "lib-1"})]}))
    bench.happens(Opened(TWO))
    assert [each.job for each in bench.desk.questions] == [TWO, ONE]
    bench.passes(PATIENCE * 2)
    assert [each.job for each in bench.desk.questions] == [TWO, ONE]


def test_answered_at_the_panel_it_is_asked_no_more() -> None:
    """Released, printed or thrown away elsewhere: the question goes, by news or by the list."""
    for what in ("released", "settled", "canceled"):
        bench = asking()
        bench.happens(news(what))
        assert bench.desk.questions == ()
    bench = asking()
    bench.happens(news("money"))
    bench.passes(301)
    bench.answer("jobs", yes({"jobs": [], "more": False}))
    assert bench.desk.questions == ()


def test_a_refusal_is_told_and_something_else_can_be_tried() -> None:
    """The question stays with the edge's words; a job that is held no more closes it."""
    bench = asking()
    bench.happens(Yes(ONE))
    bench.answer("release", no("account-limit-reached", "costs 9"))
    (question,) = bench.desk.questions
    assert (question.busy, question.code, question.trouble) == (
        "", "account-limit-reached", "costs 9",
    )  # fmt: skip
    bench.happens(Yes(ONE))
    bench.answer("release", no("not-held", "this job is settled already"))
    assert bench.desk.questions == ()
    assert bench.kinds()[-1] == "gone"


def test_another_question_than_before_is_asked_again() -> None:
    """Rules changed between question and yes: the new one is shown, and nothing was printed."""
    bench = asking()
    bench.happens(Yes(ONE))
    bench.answer("release", no("answer-needed", "600 pages?"))
    (question,) = bench.desk.questions
    assert (question.text, question.busy, question.quote) == ("600 pages?", "", None)


def test_a_lost_edge_in_mid_release_repeats_nothing() -> None:
    """Nobody knows whether it was done: said so, and the person decides again."""
    bench = asking()
    bench.happens(Yes(ONE))
    bench.happens(EdgeLost())
    bench.answer("release", None)
    assert bench.kinds()[-1] == "no-answer"
    bench.happens(EdgeBack())
    bench.answer("identify", identity(2))
    assert len(bench.asked("release")) == 1
    assert bench.desk.questions[0].code == "no-answer"
    bench.happens(Yes(ONE))
    assert len(bench.asked("release")) == 2


def test_a_yes_survives_the_end_of_a_session() -> None:
    """Signed in again it is said once more, and no third time."""
    bench = asking()
    bench.happens(Yes(ONE))
    bench.answer("release", no("no-identity"))
    bench.answer("identify", identity(2))
    assert [each["person"]["session"] for each in bench.asked("release")] == [
        str(UUID(int=1)),
        str(UUID(int=2)),
    ]
    bench.answer("release", no("no-identity"))
    bench.answer("identify", identity(3))
    assert len(bench.asked("release")) == 2
    assert bench.desk.questions[0].busy == ""


def test_whoever_may_not_print_sees_nothing_any_more() -> None:
    """The edge's reason is kept; jobs, balance and questions go; it is tried again in a minute."""
    bench = asking()
    bench.happens(EdgeLost())
    bench.happens(EdgeBack())
    bench.answer("identify", no("user-disabled", "ask at the desk"))
    desk = bench.desk
    assert (dict(desk.jobs), desk.balance, desk.questions) == ({}, None, ())
    assert desk.barred == ("user-disabled", "ask at the desk")
    bench.passes(61)
    assert len(bench.asked("identify")) == 3


def test_news_of_another_session_are_nobody_s_business() -> None:
    """Nothing is noted, asked or shown."""
    bench = Bench().signed_in()
    before = bench.desk
    bench.happens(news("asks", session=9))
    assert bench.desk == before


def test_ten_thousand_news_ask_little_and_keep_little() -> None:
    """Questions and notes are bounded, and the edge is asked for a list every two seconds."""
    bench = Bench().signed_in()
    kinds = ("held", "asks", "refused", "settled", "money", "flagged", "card")
    some = [news(kinds[number % len(kinds)], number) for number in range(70 * 4)]
    for number in range(10_000):
        bench.happens(some[number % len(some)], after=0.001)
    assert len(bench.desk.notes) == NOTES
    assert len(bench.desk.questions) <= QUESTIONS
    assert len(bench.asks) < 40
    bench.passes(3)
    assert "jobs" in bench.open()


def test_throwing_away_is_asked_for_once() -> None:
    """From the list or from a question; what is not there any more is told so."""
    bench = asking()
    bench.happens(Throw(ONE))
    bench.happens(Throw(ONE))
    assert len(bench.asked("cancel")) == 1
    bench.answer("cancel", yes({"job": row(1, phase="canceled")}))
    assert bench.kinds()[-1] == "canceled"
    bench.happens(Throw(job_of(77)))
    assert bench.kinds()[-1] == "too-late"


EVENTS = st.one_of(
    st.sampled_from(
        [EdgeBack(), EdgeLost(), TimeUp(), SiteSaid(site()), SiteSaid(site(printers=()))]
    ),
    st.builds(
        news,
        st.sampled_from(
            ["held", "refused", "asks", "released", "settled", "canceled", "flagged", "money",
             "card", "signed-off"]
        ),
        st.integers(1, 3),
        st.integers(1, 3),
    ),
    st.builds(
        lambda kind, number: kind(job_of(number)),
        st.sampled_from([Yes, Throw, Later, Opened]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda number, account: Chosen(job_of(number), "lib-2", account),
        st.integers(1, 3),
        st.sampled_from([None, "department:physics"]),
    ),
)  # fmt: skip
REPLIES = st.one_of(
    st.none(),
    st.builds(identity, st.integers(1, 3)),
    st.just(balance()),
    st.just(quote()),
    st.just(yes({"jobs": [row(1), row(2), row(3)], "more": False})),
    st.just(yes({"jobs": "?", "more": 1})),
    st.sampled_from(
        ["no-identity", "not-held", "answer-needed", "account-limit-reached", "user-disabled"]
    ).map(no),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(EVENTS | REPLIES, st.sampled_from([0.0, 0.4, 3.0, 70.0])), max_size=40))
def test_whatever_happens_only_a_yes_prints(
    happens: list[tuple[object, float]],
) -> None:
    """Each release was preceded by a yes to that job; no yes is asked of the edge more than twice.

    Whatever the edge says meanwhile, in whatever order, nothing falls over.
    """
    bench = Bench()
    said: dict[UUID, int] = {}
    thrown: set[UUID] = set()
    for event, seconds in happens:
        bench.passes(seconds)
        if event is None or hasattr(event, "corr"):
            numbers = sorted(bench.desk.asks)
            if numbers:
                method = next(each.method for each in bench.asks if each.number == numbers[-1])
                bench.answer(method, event)  # type: ignore[arg-type]
            continue
        if isinstance(event, Yes):
            said[event.job] = said.get(event.job, 0) + 1
        if isinstance(event, Throw):
            thrown.add(event.job)
        bench.happens(event)  # type: ignore[arg-type]
    for fields in bench.asked("release"):
        job = UUID(fields["job"])
        released = sum(each["job"] == str(job) for each in bench.asked("release"))
        assert released <= 2 * said.get(job, 0)
    assert {UUID(fields["job"]) for fields in bench.asked("cancel")} <= thrown
    assert len(bench.desk.questions) <= QUESTIONS
