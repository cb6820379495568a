"""Promises of figures: totals are those of the raw charges, whatever happened in what order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from central.figures.asking import Ask, By, Figures, NotKept, Table, Where
from central.figures.periods import Period
from central.store import facts, verify_facts
from central.store.figures_of import every_line, figures_of
from central.store.tables import fact, free_charge
from tests.integration.dialects import books_url  # noqa: F401  these run on each database
from tests.integration.figures_lab import (
    APOLLO,
    MORNING,
    NODES,
    PHYSICS,
    USERS,
    FiguresLab,
    Noted,
    of_account,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ALL = Period(date(2026, 1, 1), date(2027, 12, 31))
#: Cut in the middle of months, so that long spans and single days must fit together.
SOME = Period(date(2026, 8, 13), date(2026, 11, 21))
MADRID = "Europe/Madrid"


class _Crash(Exception):
    """The power goes."""


def lines(lab: FiguresLab, ask: Ask) -> dict[str, object]:
    """Return an answer's lines that have something in them."""
    with lab.books.read() as tx:
        found = list(every_line(tx, ask))
    return {each.key: plain(each.figures) for each in found if plain(each.figures) != EMPTY}


EMPTY = plain(Figures())


def assert_equal(lab: FiguresLab, period: Period) -> None:
    """Compare every kind of answer with what the test itself noted."""
    by: dict[By, Callable[[Noted], Sequence[str]]] = {
        By.SITE: lambda n: [n.node],
        By.PRINTER: lambda n: [n.printer],
        By.USER: lambda n: [n.user],
        By.GROUP: lambda n: sorted(n.groups) or [""],
        By.SERVICE: lambda n: [n.service],
        By.DAY: lambda n: [n.day.isoformat()],
        By.MONTH: lambda n: [n.day.replace(day=1).isoformat()],
        By.YEAR: lambda n: [n.day.replace(month=1, day=1).isoformat()],
    }

    def within(noted: Noted) -> bool:
        return noted.day in period

    for each, keys in by.items():
        expected = lab.expected(within, keys)
        if each == By.PRINTER:  # corrections are no printer's
            expected.pop("", None)
        wanted = {k: plain(v) for k, v in expected.items() if plain(v) != EMPTY}
        assert lines(lab, Ask(period, each, limit=7)) == wanted, each
    for account in (APOLLO, PHYSICS):
        own = Figures()
        for noted in lab.noted:
            if within(noted) and account in {key for key, *_ in noted.paid}:
                own += of_account(noted, account)
        found = lines(lab, Ask(period, By.ACCOUNT, Where(account=account)))
        assert found.get(account, EMPTY) == plain(own)
    for node in NODES:
        for user in USERS:
            mine = lab.expected(
                lambda n, node=node, user=user: within(n) and (n.node, n.user) == (node, user),  # type: ignore[misc]
                lambda _: [""],
            )
            with lab.books.read() as tx:
                table = figures_of(tx, Ask(period, None, Where(nodes=(node,), user=user)))
            assert isinstance(table, Table)
            assert plain(table.total) == plain(mine.get("", Figures()))


def assert_sound(lab: FiguresLab) -> None:
    """Let `verify` find nothing."""
    with lab.books.read() as tx:
        assert list(verify_facts.figures(tx, lambda *_: None)) == []


counted = st.tuples(
    st.none() | st.integers(0, 9), st.none() | st.integers(0, 3), st.none() | st.integers(0, 9)
)
paid = st.sampled_from(
    (
        (("user:ana", "EUR", 120_000),),
        (("user:bob", "EUR", 30_000), (APOLLO, "EUR", 50_000)),
        (("quota:eve", "page", 3_000_000),),
        (("quota:eve", "page", 1_000_000), ("user:eve", "EUR", 10_000)),
        ((PHYSICS, "EUR", 70_000),),
        ((APOLLO, "EUR", 10_000), (APOLLO, "EUR", 5_000)),
        (("user:ana", "EUR", 0),),
    )
)
acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("print"),
            paid,
            st.sampled_from(USERS),
            st.sampled_from(NODES),
            st.integers(1, 2),
            st.sampled_from(("print", "copy")),
            counted,
            # some edges' clocks are ahead
            st.sampled_from((0, 0, 1, 3, 30, 100, -5)).map(lambda n: timedelta(days=n, hours=n)),
        ),
        st.tuples(st.just("refund"), st.integers(0, 9), st.sampled_from((None, "0.01"))),
        st.tuples(st.just("correct"), st.sampled_from(USERS), st.sampled_from(("1.5", "-0.5"))),
        st.tuples(
            st.just("regroup"),
            st.sampled_from(USERS),
            st.sampled_from(((), ("staff",), ("staff", "night"), ("students",))),
        ),
        st.tuples(st.just("step"), st.integers(1, 4)),
        st.tuples(st.just("crash"), st.integers(1, 4)),
        st.tuples(st.just("later"), st.sampled_from((1, 5, 40))),
        st.tuples(st.just("anew")),
    ),
    max_size=25,
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts, st.sampled_from(("UTC", MADRID, "Pacific/Kiritimati")))
def test_totals_are_those_of_the_raw_charges(some: list[tuple[object, ...]], zone: str) -> None:
    """Late and early charges, refunds, corrections, new groups, crashes between slices."""
    lab = FiguresLab(zone=zone)
    for act, *rest in some:
        _do(lab, str(act), rest)
    lab.roll(3)
    for period in (ALL, SOME):
        assert_equal(lab, period)
    assert_sound(lab)
    lab.books.close()


def _do(lab: FiguresLab, act: str, given_: list[object]) -> None:
    match act, given_:
        case "print", [parts, user, node, printer, service, count, ago]:
            lab.print_(
                parts,  # type: ignore[arg-type]
                user=str(user),
                node=str(node),
                printer=printer,  # type: ignore[arg-type]
                service=str(service),
                counted=count,  # type: ignore[arg-type]
                ago=ago,  # type: ignore[arg-type]
            )
        case "refund", [int(which), amount]:
            lab.refund(which, amount)  # type: ignore[arg-type]
        case "correct", [user, amount]:
            lab.correct(str(user), str(amount))
        case "regroup", [user, groups]:
            lab.regroup(str(user), groups)  # type: ignore[arg-type]
        case "step", [int(most)]:
            with lab.books.write() as tx:
                facts.step(tx, most)
        case "crash", [int(most)]:
            with suppress(_Crash), lab.books.write() as tx:
                facts.step(tx, most)
                raise _Crash
        case "later", [int(days)]:
            lab.clock.now += timedelta(days=days)
        case _:
            with lab.books.write() as tx:
                facts.begin_anew(tx)


@pytest.fixture
def lab() -> Iterator[FiguresLab]:
    """Return books with a few charges, rolled up."""
    made = FiguresLab()
    made.print_([("user:ana", "EUR", 120_000)], ago=timedelta(days=40))
    made.print_([("user:bob", "EUR", 60_000)], user="bob", node="south")
    made.print_([("user:ana", "EUR", 0)])
    made.roll()
    yield made
    made.books.close()


def test_verify_finds_a_total_that_was_changed(lab: FiguresLab) -> None:
    """A row that says something else is found and named, and making anew mends it."""
    with lab.books.write() as tx:
        row = tx.sql.execute(select(fact.c.span).order_by(fact.c.span)).first()
        assert row is not None
        tx.sql.execute(
            update(fact).where(fact.c.span == row.span).values(impressions=fact.c.impressions + 1)
        )
    with lab.books.read() as tx:
        findings = list(verify_facts.figures(tx, lambda *_: None))
    assert findings
    assert "rebuild" in findings[0].detail
    with lab.books.write() as tx:
        facts.begin_anew(tx)
    lab.roll()
    assert_sound(lab)
    assert_equal(lab, ALL)


def test_verify_finds_a_total_that_is_missing(lab: FiguresLab) -> None:
    """Also one of a longer span, and a free charge that nobody noted."""
    with lab.books.write() as tx:
        gone = tx.sql.execute(delete(fact).where(fact.c.span == 20260000)).rowcount
        assert gone
        tx.sql.execute(delete(free_charge))
    with lab.books.read() as tx:
        said = [each.where for each in verify_facts.figures(tx, lambda *_: None)]
    assert any(each.startswith("2026 by") for each in said)
    assert str(lab.charges[2][0].charge) in said


def test_days_are_those_of_the_zone() -> None:
    """What is settled at half past eleven at night in UTC is the next day's in Madrid."""
    lab = FiguresLab(zone=MADRID)
    lab.clock.now = MORNING.replace(hour=23, minute=30)
    lab.print_([("user:ana", "EUR", 120_000)])
    lab.roll()
    assert list(lines(lab, Ask(ALL, By.DAY, limit=1000))) == ["2026-11-23"]
    lab.books.close()


def test_a_group_left_later_keeps_what_was_printed_in_it(lab: FiguresLab) -> None:
    """Figures by group are of the groups then, and stay when totals are made anew."""
    lab.regroup("ana", ("alumni",))
    lab.print_([("user:ana", "EUR", 10_000)])
    with lab.books.write() as tx:
        facts.begin_anew(tx)
    lab.roll()
    found = lines(lab, Ask(ALL, By.GROUP))
    assert set(found) == {"staff", "students", "alumni"}
    assert_equal(lab, ALL)


def test_what_is_not_kept_together_is_refused_in_words(lab: FiguresLab) -> None:
    """Nobody waits for five million jobs to be read because of a filter."""
    with lab.books.read() as tx:
        said = figures_of(tx, Ask(ALL, By.USER, Where(printer="north-1")))
    assert said == NotKept(
        "no totals are kept by printer and user together; ask by one of them, or list the jobs"
    )


def test_the_period_before_stands_beside(lab: FiguresLab) -> None:
    """November so far against the same days of October."""
    with lab.books.read() as tx:
        table = figures_of(tx, Ask(Period(date(2026, 11, 1), date(2026, 11, 30)), By.USER))
    assert isinstance(table, Table)
    assert table.compared == Period(date(2026, 10, 1), date(2026, 10, 22))
    assert [(each.key, each.label) for each in table.lines] == [("ana", ""), ("bob", "")]
    (ana, _bob) = table.lines
    assert ana.before is not None
    assert (ana.figures.impressions, ana.before.impressions) == (3, 3)
    assert table.before is not None
    assert table.before.impressions == 3


def test_pages_follow_one_another_without_a_gap(lab: FiguresLab) -> None:
    """One line a page, highest first, names break ties."""
    found = []
    with lab.books.read() as tx:
        for skip in range(3):
            table = figures_of(tx, Ask(ALL, By.USER, limit=1, skip=skip))
            assert isinstance(table, Table)
            found += [each.key for each in table.lines]
            assert table.more == (skip == 0)
    assert found == ["ana", "bob"]


@pytest.mark.parametrize("by", [By.DAY, By.MONTH])
def test_a_page_of_days_is_a_part_of_all(lab: FiguresLab, by: By) -> None:
    """Its lines, and what they were before, are those of the whole; the sums are of the whole."""
    ask = Ask(Period(date(2026, 8, 20), date(2026, 11, 30)), by, limit=1000)
    with lab.books.read() as tx:
        whole = figures_of(tx, ask)
        part = figures_of(tx, replace(ask, limit=2, skip=2))
    assert isinstance(whole, Table)
    assert isinstance(part, Table)
    assert whole.lines[2:4] == part.lines
    assert any(each.figures.impressions for each in whole.lines)
    assert (part.total, part.before) == (whole.total, whole.before)
