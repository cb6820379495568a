"""Copies at the edge: the budget before the machine, counts that last, one settlement."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from broker.directory import RULES, AccountRow, PrinterRow, SettingRow, UserRow
from broker.messages import CopyBegan, CopyCounts, CopyState, DirectoryRows
from config.policy.decisions import Reason
from config.policy.rules import RuleSet
from edge.branch import RETIRING
from edge.cards import Allowance
from edge.changing import Changing
from edge.copy_budget import Bounds
from edge.copying import BUSY, NoSuchCopy, NotBegun
from edge.store.replica import rows_of
from edge.wishes import Wish
from tests.unit.copies_lab import PATIENCE, TERMINAL, CopySite, copy_directory
from tests.unit.edge_lab import ANA, CENT, euros, grant, said
from tests.unit.roles_lab import become, gave_back, wish

QUOTA = "quota:ana"


def rules(site: CopySite, *written: dict[str, object]) -> None:
    """Put rules in force."""
    text = RuleSet.model_validate({"version": 5, "rules": list(written)}).to_json()
    rows = rows_of([("setting", RULES, 2, SettingRow(value=text))])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))


def rule(name: str, when: dict[str, object], **then: object) -> dict[str, object]:
    """Write a rule."""
    return {"name": name, "when": when, "then": then}


# ── begin ───────────────────────────────────────────────────────────────────────────────────


async def test_the_money_of_the_dearest_kind_is_held_before_the_machine_is_enabled() -> None:
    """What the answer lets somebody copy is set aside already, and said to the centre."""
    site = CopySite()
    grant(site.books, euros("200"))
    state = await site.begin()
    assert state.go_on
    assert state.pages_left == CopyCounts(
        monochrome=200, color=200, monochrome_large=200, color_large=200
    )
    assert state.left == 200 * 40 * CENT
    assert site.books.free(ANA, "EUR") == euros("200") - 200 * 40 * CENT
    began = said(site.books, "jobs")[-1]
    assert isinstance(began, CopyBegan)
    assert (began.job, began.user, began.tariff_version) == (state.copy_id, "ana", 3)
    assert [each.micros for each in began.held] == [200 * 40 * CENT]


async def test_a_budget_is_what_somebody_has() -> None:
    """Who has two Euro copies for two Euro, in colour less than in black and white."""
    site = CopySite()
    grant(site.books, euros("2"))
    state = await site.begin()
    assert state.pages_left == CopyCounts(
        monochrome=40, color=10, monochrome_large=20, color_large=5
    )
    assert site.books.free(ANA, "EUR") == 0


async def test_too_little_money_refuses_in_words() -> None:
    """Who cannot pay one copy and the stop margin of any kind does not begin, and reads why."""
    site = CopySite()
    grant(site.books, 24 * CENT)
    answer = await site.ask()
    assert isinstance(answer, NotBegun)
    assert answer.code == Reason.ACCOUNT_LIMIT_REACHED
    assert "5 copies are the least" in answer.detail
    assert "elsewhere: nowhere" in answer.detail
    assert site.books.free(ANA, "EUR") == 24 * CENT
    assert not said(site.books, "jobs")


async def test_a_kind_that_is_too_dear_is_left_out() -> None:
    """Who can pay for black and white only begins, and colour has nothing left."""
    site = CopySite()
    grant(site.books, 60 * CENT)
    state = await site.begin()
    assert state.go_on
    assert state.pages_left == CopyCounts(monochrome=12, monochrome_large=6)
    assert "colour" in state.text


async def test_a_machine_without_colour_copies_none() -> None:
    """A copier that makes no colour is not asked for any, and colour's price is not held."""
    site = CopySite()
    grant(site.books, euros("200"))
    state = await site.begin("lib-2")
    assert state.pages_left == CopyCounts(monochrome=200, monochrome_large=200)
    assert state.left == 200 * 10 * CENT


async def test_where_no_copies_are_charged_none_begin() -> None:
    """A printer that nobody declared a copier is refused."""
    answer = await CopySite().ask("lib-9")
    assert isinstance(answer, NotBegun)
    assert answer.code == Reason.PRINTER_UNKNOWN


async def test_nobody_copies_for_nobody() -> None:
    """A name that the site does not know is refused."""
    answer = await CopySite().ask(user="bob")
    assert isinstance(answer, NotBegun)
    assert answer.code == Reason.NO_IDENTITY


async def test_free_copies_are_bounded_by_the_most() -> None:
    """Where copies cost nothing, only their number ends a copy, and nothing is charged."""
    free = dict.fromkeys(("monochrome", "color", "monochrome_large", "color_large"), 0)
    site = CopySite(bounds=Bounds(10, 2, 5), prices=free)  # type: ignore[arg-type]
    state = await site.begin()
    assert state.go_on
    assert site.count(state.copy_id, monochrome=7).go_on
    assert not site.count(state.copy_id, monochrome=8).go_on
    done = site.end(state.copy_id, monochrome=10)
    assert done.settled
    assert done.cost == ()
    assert not site.charged()
    assert site.settled()[0].billed.impressions == 10


# ── counts ──────────────────────────────────────────────────────────────────────────────────


async def test_counts_cost_what_the_tariff_says_and_the_rest_goes_back() -> None:
    """After the end exactly the price of each kind is charged, once, as service copy."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.count(state.copy_id, monochrome=3)
    counted = site.count(state.copy_id, monochrome=3, color=2)
    assert counted.cost[0].micros == 55 * CENT
    done = site.end(state.copy_id, monochrome=3, color=2, color_large=1)
    assert done.settled
    assert done.cost[0].micros == 95 * CENT
    assert site.here() == site.books.free(ANA, "EUR") == euros("50") - 95 * CENT
    (charged,) = site.charged()
    assert (charged.service, charged.job, charged.user) == ("copy", state.copy_id, "ana")
    assert charged.counted.impressions == 6
    assert charged.counted.color_impressions == 3
    (settled,) = site.settled()
    assert settled.disposition == "completed"
    assert settled.large == 1
    assert settled.flag is None


async def test_the_machine_stops_while_the_margin_can_still_be_paid() -> None:
    """When it is told to stop, what is left pays exactly for what it still makes."""
    site = CopySite()
    grant(site.books, euros("4"))
    state = await site.begin()
    assert site.count(state.copy_id, color_large=5).go_on
    stopped = site.count(state.copy_id, color_large=6)
    assert not stopped.go_on
    assert stopped.text
    done = site.end(state.copy_id, color_large=10)
    assert done.cost[0].micros == euros("4")
    assert site.charged()[0].printed_above == 0


async def test_nothing_beyond_the_hold_is_charged() -> None:
    """A machine that does not stop costs its person the hold and no more; the rest is flagged."""
    site = CopySite()
    grant(site.books, euros("2"))
    state = await site.begin()
    grant(site.books, euros("10"))
    done = site.end(state.copy_id, color_large=9)
    assert done.cost[0].micros == euros("2")
    assert site.here() == euros("10")
    (charged,) = site.charged()
    assert charged.printed_above == 4
    assert charged.counted.impressions == 5
    assert "printed-above-hold: 4" in (site.settled()[0].flag or "")


async def test_a_figure_that_fell_is_ignored_and_flagged_once() -> None:
    """Older totals that come late take nothing back."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.count(state.copy_id, monochrome=5)
    assert site.count(state.copy_id, monochrome=4, color=1).counts == CopyCounts(
        monochrome=5, color=1
    )
    site.count(state.copy_id, monochrome=2)
    assert site.flags() == ["copy-count-fell"]
    assert site.end(state.copy_id, monochrome=5, color=1).cost[0].micros == 45 * CENT


async def test_the_same_counts_write_nothing() -> None:
    """A terminal that says again what it counted costs the disk nothing."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.count(state.copy_id, monochrome=5)
    before = site.books.job(state.copy_id), site.books.head("jobs").seq
    again = site.count(state.copy_id, monochrome=5)
    assert (site.books.job(state.copy_id), site.books.head("jobs").seq) == before
    assert again.counts.total == 5


async def test_another_terminal_can_neither_count_nor_end() -> None:
    """Only the node that began a copy may say anything of it."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    counts = CopyCounts(monochrome=1)
    assert isinstance(site.copying.count("reader-2", state.copy_id, counts), NoSuchCopy)
    assert isinstance(site.copying.end("reader-2", state.copy_id, counts), NoSuchCopy)
    assert isinstance(site.copying.count(TERMINAL, UUID(int=5), counts), NoSuchCopy)


async def test_an_end_said_twice_is_one_end() -> None:
    """The second answer is the first one, and there is one charge."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    first = site.end(state.copy_id, monochrome=3)
    assert site.end(state.copy_id, monochrome=3) == first
    assert site.end(state.copy_id) == first
    assert len(site.charged()) == 1
    assert not site.flags()


async def test_what_comes_after_the_end_is_flagged_and_free() -> None:
    """Late counts are kept and flagged; the money went back, so nobody pays them."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.end(state.copy_id, monochrome=3)
    before = site.here()
    late = site.count(state.copy_id, monochrome=5)
    assert (late.settled, late.go_on, late.counts.total) == (True, False, 5)
    site.end(state.copy_id, monochrome=5)
    assert site.flags() == ["copy-late"]
    assert site.here() == before


async def test_a_copy_of_nothing_costs_nothing() -> None:
    """Who leaves without copying gets everything back."""
    site = CopySite()
    grant(site.books, euros("5"))
    state = await site.begin()
    done = site.end(state.copy_id)
    assert done.settled
    assert not site.charged()
    assert site.books.free(ANA, "EUR") == euros("5")
    assert site.settled()[0].disposition == "canceled"


# ── terminals ───────────────────────────────────────────────────────────────────────────────


async def test_two_terminals_cannot_copy_at_one_machine() -> None:
    """A second terminal at the same copier is told that somebody copies there."""
    site = CopySite()
    grant(site.books, euros("50"))
    await site.begin()
    answer = await site.ask(node="reader-2")
    assert isinstance(answer, NotBegun)
    assert answer.code == BUSY


async def test_two_beginnings_at_once_are_one_copy() -> None:
    """While one waits for money another one is refused: one open copy for each machine."""
    site = CopySite()
    site.funds.coming = {ANA: euros("50")}
    first = asyncio.create_task(site.ask())
    await asyncio.sleep(0)  # it waits for the money now
    answer = await site.ask(node="reader-2")
    assert isinstance(answer, NotBegun)
    assert answer.code == BUSY
    assert isinstance(await first, CopyState)
    assert len(site.books.jobs()) == 1


async def test_an_answer_that_was_lost_is_found_again() -> None:
    """The same wish, before anything was copied, is the same copy; nothing is held twice."""
    site = CopySite()
    grant(site.books, euros("2"))
    first = await site.begin()
    assert (await site.begin()).copy_id == first.copy_id
    assert site.here() == euros("2")


async def test_a_terminal_that_lost_its_copy_begins_another() -> None:
    """What was counted of the first is charged and flagged before the second holds anything."""
    site = CopySite()
    grant(site.books, euros("2"))
    first = await site.begin()
    site.count(first.copy_id, monochrome=4)
    second = await site.begin()
    assert second.copy_id != first.copy_id
    assert site.charged()[0].postings[0].micros == 20 * CENT
    assert "copy-abandoned" in (site.settled()[0].flag or "")
    assert second.left == euros("1.80")


# ── crash, silence ──────────────────────────────────────────────────────────────────────────


async def test_a_terminal_that_comes_back_goes_on() -> None:
    """After a crash of the edge the copy waits; its terminal counts on and ends it."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.count(state.copy_id, monochrome=2)
    site.crash()
    site.copying.sweep()
    site.seconds += PATIENCE.total_seconds() - 1
    assert site.copying.sweep() == 0
    assert site.count(state.copy_id, monochrome=3).go_on
    site.seconds += PATIENCE.total_seconds() - 1
    assert site.copying.sweep() == 0
    assert site.end(state.copy_id, monochrome=4).cost[0].micros == 20 * CENT


async def test_a_terminal_that_never_comes_back_costs_what_was_durable() -> None:
    """When patience is over the last durable count is charged, flagged, and the rest is free."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    site.count(state.copy_id, monochrome=2)
    site.crash()
    assert site.copying.sweep() == 0
    site.seconds += PATIENCE.total_seconds()
    assert site.copying.sweep() == 1
    assert site.copying.sweep() == 0
    assert site.charged()[0].postings[0].micros == 10 * CENT
    assert (site.settled()[0].flag or "").startswith("copy-abandoned")
    assert site.books.free(ANA, "EUR") == site.here() == euros("50") - 10 * CENT
    assert site.end(state.copy_id, monochrome=2).settled


# ── roles and the line ──────────────────────────────────────────────────────────────────────


async def test_an_agent_asks_for_the_money_of_each_copy() -> None:
    """Without money at the site it comes for this copy, and what is left goes back with it."""
    site = CopySite()
    become(site, "agent")  # type: ignore[arg-type]
    site.funds.coming, site.funds.for_jobs = {ANA: euros("10")}, True
    state = await site.begin()
    assert state.left == euros("10")
    site.end(state.copy_id, monochrome=2)
    assert gave_back(site) == [(euros("10") - 10 * CENT, "job-over", state.copy_id)]  # type: ignore[arg-type]
    assert site.here() == 0


async def test_an_agent_that_gets_too_little_gives_it_back() -> None:
    """Money that came for a copy that cannot begin is not kept."""
    site = CopySite()
    become(site, "agent")  # type: ignore[arg-type]
    site.funds.coming, site.funds.for_jobs = {ANA: 10 * CENT}, True
    assert isinstance(await site.ask(), NotBegun)
    assert [micros for micros, *_ in gave_back(site)] == [10 * CENT]  # type: ignore[arg-type]
    assert site.here() == 0


async def test_an_agent_stops_when_the_line_is_cut() -> None:
    """Out of service is out of service: the next count stops the machine, nothing begins."""
    site = CopySite()
    become(site, "agent")  # type: ignore[arg-type]
    site.funds.coming, site.funds.for_jobs = {ANA: euros("10")}, True
    state = await site.begin()
    site.funds.reachable = False
    stopped = site.count(state.copy_id, monochrome=1)
    assert not stopped.go_on
    assert "line to the centre" in stopped.text
    assert site.end(state.copy_id, monochrome=3).cost[0].micros == 15 * CENT
    answer = await site.ask()
    assert isinstance(answer, NotBegun)
    assert answer.code == Reason.OUT_OF_SERVICE
    assert "copies" in answer.detail


async def test_a_tracker_charges_no_copies() -> None:
    """The role table has no copies for it: refused in words."""
    site = CopySite()
    grant(site.books, euros("10"))
    become(site, "tracker")  # type: ignore[arg-type]
    answer = await site.ask()
    assert isinstance(answer, NotBegun)
    assert answer.code == Reason.OUT_OF_SERVICE
    assert "tracker" in answer.detail


async def test_a_remote_site_copies_on_without_the_centre() -> None:
    """With the line cut what is here is copied on, marked as alone."""
    site = CopySite()
    grant(site.books, euros("2"))
    site.funds.reachable = False
    state = await site.begin()
    site.end(state.copy_id, monochrome=1)
    assert site.charged()[0].alone
    assert not site.funds.asked


async def test_money_is_fetched_where_little_is_here() -> None:
    """A remote site asks the centre before it lets somebody begin with less than there is."""
    site = CopySite()
    grant(site.books, 30 * CENT)
    site.funds.coming = {ANA: euros("10")}
    state = await site.begin()
    assert site.funds.asked == [ANA]
    assert state.left == euros("10.30")


async def test_alone_for_too_long_stops_copies() -> None:
    """The limit of the terms holds for copies as for prints."""
    site = CopySite()
    grant(site.books, euros("10"))
    wish(site, "remote", offline=3600)  # type: ignore[arg-type]
    assert Changing(site.books, clock=site.clock).step(0.0)
    state = await site.begin()
    site.alone_for = timedelta(hours=2)
    stopped = site.count(state.copy_id, monochrome=1)
    assert not stopped.go_on
    assert "copies are off" in stopped.text


# ── rules ───────────────────────────────────────────────────────────────────────────────────


async def test_a_rule_denies_copies() -> None:
    """A deny for copies refuses with the rule's own words."""
    site = CopySite()
    grant(site.books, euros("10"))
    rules(site, rule("none", {"services": ["copy"]}, deny="no copies on Sundays"))
    answer = await site.ask()
    assert isinstance(answer, NotBegun)
    assert (answer.code, answer.detail) == (Reason.DENIED_BY_RULE, "no copies on Sundays")


async def test_a_rule_for_black_and_white_leaves_no_colour() -> None:
    """Colour has nothing left; made all the same it is charged, flagged, and stops the machine."""
    site = CopySite()
    grant(site.books, euros("50"))
    rules(site, rule("grey", {"color": True}, monochrome=True))
    state = await site.begin()
    assert (state.pages_left.color, state.pages_left.color_large) == (0, 0)
    assert state.left == 200 * 10 * CENT
    assert "rule" in state.text
    stopped = site.count(state.copy_id, monochrome=1, color=2)
    assert not stopped.go_on
    assert stopped.cost[0].micros == 45 * CENT
    assert site.flags() == ["copy-kind"]


async def test_a_denied_kind_is_never_free() -> None:
    """Large copies that a rule denies cost what they cost, as far as the hold goes."""
    site = CopySite()
    grant(site.books, euros("50"))
    rules(site, rule("small", {"media": ["iso_a3"]}, deny="small paper only"))
    state = await site.begin()
    assert state.pages_left.monochrome_large == 0
    assert "small paper only" in state.text
    assert site.end(state.copy_id, color_large=2).cost[0].micros == 80 * CENT


async def test_rules_change_the_price_of_the_kinds_they_are_for() -> None:
    """A surcharge for colour is paid by colour alone, a fee for the job once."""
    site = CopySite()
    grant(site.books, euros("100"))
    fee = {"unit": "EUR", "per_impression": CENT, "per_job": 7 * CENT}
    rules(
        site,
        rule("half", {"color": False}, factor=500),
        rule("dear", {"color": True}, surcharge=fee),
    )
    state = await site.begin()
    assert site.count(state.copy_id, monochrome=2).cost[0].micros == 5 * CENT
    assert site.count(state.copy_id, monochrome=2, color=1).cost[0].micros == 33 * CENT
    both = site.end(state.copy_id, monochrome=2, color=1, color_large=1)
    assert both.cost[0].micros == (5 + 20 + 1 + 7 + 40 + 1) * CENT
    assert site.charged()[0].rules_version == 5


async def test_rules_that_count_end_the_budget_where_they_begin() -> None:
    """Where a rule says something else for more copies, so many and no more may be made."""
    site = CopySite()
    grant(site.books, euros("100"))
    rules(site, rule("heaps", {"impressions": {"min": 31}}, deny="ask the print room"))
    state = await site.begin()
    assert state.pages_left.monochrome == 30
    assert state.left == 30 * 40 * CENT


async def test_a_question_is_answered_first() -> None:
    """Nothing is held until the person has said yes."""
    site = CopySite()
    grant(site.books, euros("10"))
    rules(site, rule("sure", {"services": ["copy"]}, confirm="Copy on the project?"))
    answer = await site.ask()
    assert isinstance(answer, NotBegun)
    assert (answer.code, answer.detail) == ("answer-needed", "Copy on the project?")
    assert not said(site.books, "jobs")
    assert (await site.begin(confirmed=True)).go_on


async def test_no_rule_turns_copies_over_or_sends_them_away() -> None:
    """Two-sided rules change nothing at a glass plate; a redirect refuses."""
    site = CopySite()
    grant(site.books, euros("10"))
    rules(site, rule("paper", {}, two_sided=True))
    state = await site.begin()
    assert state.pages_left.monochrome == 200
    site.end(state.copy_id)
    other = CopySite()
    grant(other.books, euros("10"))
    rules(other, rule("away", {"color": False}, redirect={"printer": "lib-2"}))
    answer = await other.ask()
    assert isinstance(answer, CopyState)
    assert (answer.pages_left.monochrome, answer.pages_left.monochrome_large) == (0, 0)
    assert "sends this to lib-2" in answer.text


# ── accounts ────────────────────────────────────────────────────────────────────────────────


def _with_accounts(user: UserRow, *accounts: AccountRow) -> CopySite:
    site = CopySite()
    rows = rows_of(
        [("user", "ana", 2, user), *(("account", each.account, 2, each) for each in accounts)]
    )
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))
    return site


async def test_quotas_of_both_colours_are_set_aside_together() -> None:
    """Pages for black and white and for colour are different pages: each kind uses its own."""
    user = UserRow(name="ana", accounts=("quota:bw",), wallets=(("quota:bw", "quota:col"),))
    site = _with_accounts(
        user,
        AccountRow(account="quota:bw", unit="page", counts="monochrome"),
        AccountRow(account="quota:col", unit="page", counts="color"),
    )
    grant(site.books, 100_000_000, "quota:bw", "page")
    grant(site.books, 10_000_000, "quota:col", "page")
    state = await site.begin()
    assert (state.pages_left.monochrome, state.pages_left.color) == (100, 10)
    assert site.count(state.copy_id, monochrome=50, color=3).go_on
    done = site.end(state.copy_id, monochrome=50, color=3)
    assert {each.account: each.micros for each in done.cost} == {
        "quota:bw": 50_000_000,
        "quota:col": 3_000_000,
    }


async def test_money_and_pages_must_both_cover() -> None:
    """A quota beside the money bounds the copy, and both are charged."""
    user = UserRow(name="ana", accounts=(ANA, QUOTA))
    site = _with_accounts(user, AccountRow(account=QUOTA, unit="page"))
    grant(site.books, euros("50"))
    grant(site.books, 30_000_000, QUOTA, "page")
    state = await site.begin()
    assert state.pages_left.monochrome == 30
    done = site.end(state.copy_id, monochrome=2)
    assert {each.account: each.micros for each in done.cost} == {
        ANA: 10 * CENT,
        QUOTA: 2_000_000,
    }


async def test_a_copy_is_charged_by_the_prices_it_began_with() -> None:
    """A price list of another day changes no copy under way."""
    site = CopySite()
    grant(site.books, euros("50"))
    state = await site.begin()
    dearer = {"monochrome": 50, "color": 50, "monochrome_large": 50, "color_large": 50}
    site.replica.apply(copy_directory(prices=dearer, n=3))  # type: ignore[arg-type]
    assert site.end(state.copy_id, monochrome=2).cost[0].micros == 10 * CENT


async def test_an_account_in_two_lists_is_not_set_aside_twice() -> None:
    """Where what each kind needs cannot be held together, one hold that fits is enough."""
    user = UserRow(name="ana", accounts=(ANA,), wallets=((ANA, "user:b"), (ANA, "user:c")))
    others = [AccountRow(account=key, unit="EUR") for key in ("user:b", "user:c")]
    site = _with_accounts(user, *others)
    for account in (ANA, "user:b", "user:c"):
        grant(site.books, euros("3"), account)
    state = await site.begin()
    assert state.go_on
    done = site.end(state.copy_id, monochrome=6)
    assert sum(each.micros for each in done.cost) == 2 * 30 * CENT


async def test_past_the_allocation_as_far_as_the_terms_allow() -> None:
    """A cut-off site with a float lets somebody copy past what is here, up to its cap."""
    site = CopySite()
    become(site, "remote", caps=(euros("2"), euros("1")))  # type: ignore[arg-type]
    grant(site.books, 50 * CENT)
    site.funds.reachable = False
    state = await site.begin()
    assert state.pages_left.monochrome == 30
    done = site.end(state.copy_id, monochrome=20)
    assert {each.covered_by: each.micros for each in done.cost} == {
        "allocation": 50 * CENT,
        "uncovered": 50 * CENT,
    }
    assert site.books.till.owed("EUR") == 50 * CENT


async def test_a_new_card_copies_within_its_allowance() -> None:
    """What a card may spend that the centre has not confirmed bounds its copies, once for all."""
    site = CopySite()
    grant(site.books, euros("50"))
    card = "ab" * 32
    state = await site.copying.begin(TERMINAL, Wish("lib-1", "ana", card=card))
    assert isinstance(state, NotBegun)
    site.allowance = Allowance(euros("2"))
    site.open()
    state = await site.copying.begin(TERMINAL, Wish("lib-1", "ana", card=card))
    assert isinstance(state, CopyState)
    assert (state.left, state.pages_left.monochrome) == (euros("2"), 40)
    site.end(state.copy_id, monochrome=30)
    again = await site.copying.begin(TERMINAL, Wish("lib-1", "ana", card=card))
    assert isinstance(again, CopyState)
    assert again.left == 50 * CENT


async def test_a_journal_that_is_being_closed_stops_copies() -> None:
    """Nothing begins, what runs is told to stop and still settles."""
    site = CopySite()
    grant(site.books, euros("5"))
    state = await site.begin()
    site.books.remember(RETIRING, "x")
    assert not site.count(state.copy_id, monochrome=1).go_on
    assert site.end(state.copy_id, monochrome=2).cost[0].micros == 10 * CENT
    assert isinstance(await site.ask(), NotBegun)


async def test_the_directory_may_name_a_copier() -> None:
    """A printer of the site that the centre calls a copier is one."""
    site = CopySite(copiers=frozenset())
    grant(site.books, euros("5"))
    assert isinstance(await site.ask(), NotBegun)
    row = PrinterRow(device="lib-1", node="north", copies=True)
    rows = rows_of([("printer", "lib-1", 2, row)])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))
    assert (await site.begin()).go_on


async def test_money_that_comes_too_late_for_a_copy_goes_back() -> None:
    """A grant for a copy that has begun, or never did, is not kept for it."""
    site = CopySite()
    become(site, "agent")  # type: ignore[arg-type]
    site.funds.coming, site.funds.for_jobs = {ANA: euros("10")}, True
    state = await site.begin()
    grant(site.books, euros("1"), job=state.copy_id)
    grant(site.books, euros("2"), job=UUID(int=99))
    assert [micros for micros, *_ in gave_back(site)] == [euros("1"), euros("2")]  # type: ignore[arg-type]
    assert site.here() == euros("10")
