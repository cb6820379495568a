"""Rules at the edge: decided on what is known here, converted, priced as converted, explained."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.directory import RULES, AccountRow, PrinterRow, SettingRow, UserRow
from broker.messages import (
    Charged,
    DirectoryRows,
    JobRefused,
    JobReleased,
    JobSettled,
    JobsRequest,
    Part,
    QuoteAnswer,
    QuoteRequest,
)
from config.policy.decisions import Allowed, Ask, Denied, Reason
from config.policy.jobs import JobState, Sides
from config.policy.rules import RuleSet
from edge.jobs import JobRecord
from edge.printing.fake_spooler import PrinterBehaviour
from edge.release import Phase
from edge.releasing import ANSWER_NEEDED
from edge.store.replica import rows_of
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import ANA, CENT, NOW, Site, figures, grant, held_job, said, tariff
from tests.unit.roles_lab import become

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pydantic import BaseModel

    from config.ids import JobId

PRICE = 50 * CENT
QUOTA = "quota:ana"
PHYSICS = "department:physics"


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site with money for four jobs of ten pages; its printer prints what it is told."""
    made = Site(tmp_path)
    await made.ready()
    grant(made.books, 4 * PRICE)
    return made


def change(site: Site, *rows: tuple[str, str, BaseModel | None]) -> None:
    """Change the directory."""
    cursor = site.replica.cursor
    assert cursor is not None
    n = cursor.n + 1
    made = rows_of([(kind, key, n, row) for kind, key, row in rows])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=made))


def rule(site: Site, *rules: dict[str, Any], version: int = 7) -> None:
    """Put rules into force."""
    found = RuleSet.model_validate({"version": version, "rules": rules})
    change(site, ("setting", RULES, SettingRow(value=found.to_json())))


def then(**actions: Any) -> dict[str, Any]:  # noqa: ANN401  any action
    """Return a rule that always does this."""
    return {"name": "the rule", "then": actions}


def events(site: Site, kind: type[Part | Any]) -> list[Any]:
    """Return what was said of one kind."""
    both = [*said(site.books, "jobs"), *said(site.books, "ledger")]
    return [each for each in both if isinstance(each, kind)]


def record(site: Site, job: JobId) -> JobRecord:
    """Return a job's record."""
    found = site.books.job(job)
    assert found is not None
    return found


async def test_a_conversion_is_printed_and_charged_as_converted(site: Site) -> None:
    """Three copies capped to one: the printer is told so, and one copy is paid for."""
    rule(site, then(copies_max=1, two_sided=True))
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive(attributes={"copies": 3})
    before = record(site, job)
    decision = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(decision, Allowed)
    seen = await site.look(job)
    assert seen.attributes["copies"] == 1  # a number, as IPP has it
    assert seen.attributes["sides"] == "two-sided-long-edge"
    after = record(site, job)
    assert before.planned == after.planned
    assert after.expected is not None
    assert after.expected.sides is Sides.TWO_SIDED_LONG_EDGE
    assert after.expected.impressions < (before.planned or after.expected).impressions
    site.spooler.end(job, JobState.COMPLETED, after.expected.impressions)
    await site.intake.sweep()
    (charge,) = events(site, Charged)
    assert charge.rules_version == 7
    assert charge.counted.impressions == after.expected.impressions
    assert charge.postings[0].micros == after.expected.impressions * 5 * CENT
    (released,) = events(site, JobReleased)
    assert released.conversions == {"copies": "1", "sides": "two-sided-long-edge"}
    assert {"conversion", "price", "account"} <= {each.code for each in released.because}
    assert {each.rule for each in released.because if each.code == "conversion"} == {"the rule"}


async def test_a_tracker_applies_no_rules(site: Site) -> None:
    """What would be denied at a remote site is printed, counted and billed at a tracker."""
    become(site, "tracker")
    rule(site, then(deny="ask at the desk"))
    job = await site.arrive("direct")
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    (charge,) = events(site, Charged)
    assert charge.postings[0].micros == PRICE


async def test_a_rule_refuses_in_its_own_words(site: Site) -> None:
    """The person reads the operator's sentence; the event says by which rules and which rule."""
    rule(site, then(deny="ask at the desk"))
    job = await site.arrive()
    decision = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(decision, Denied)
    (refused,) = events(site, JobRefused)
    assert (refused.reason, refused.detail) == (Reason.DENIED_BY_RULE, "ask at the desk")
    assert refused.rules_version == 7
    assert refused.because[-1].rule == "the rule"
    assert site.phase(job) == Phase.HELD
    assert record(site, job).refusal == "ask at the desk"


async def test_a_question_holds_no_money_and_yes_releases(site: Site) -> None:
    """Asking changes nothing; the same wish confirmed goes on."""
    rule(site, then(confirm="ten pages?"))
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Ask)
    assert site.books.free(ANA, "EUR") == 4 * PRICE
    assert site.spooler.printed == []
    confirmed = await site.releasing.release(job, "lib-1", "ana", confirmed=True)
    assert isinstance(confirmed, Allowed)
    assert len(site.spooler.printed) == 1


async def test_a_direct_queue_waits_with_its_question(site: Site) -> None:
    """Nobody stands there: it stays held with its question, said once, until that is answered."""
    rule(site, then(confirm="ten pages?"))
    job = await site.arrive("direct")
    await site.look(job)
    await site.intake.sweep()
    assert site.spooler.printed == []
    assert record(site, job).refusal == "ten pages?"
    assert [each.reason for each in events(site, JobRefused)] == [ANSWER_NEEDED]
    assert isinstance(await site.releasing.release(job, "lib-1", "ana", confirmed=True), Allowed)
    await site.intake.sweep()
    assert site.phase(job) == Phase.SETTLED


async def test_what_a_question_would_cost_is_quoted_before_it_is_answered(site: Site) -> None:
    """Asked as if the person had said yes: the price; nothing is charged, released or said."""
    rule(site, then(confirm="ten pages?"))
    job = await site.arrive()
    counter, before = Counter(site), len(said(site.books, "jobs"))
    where = {"job": job, "printer": "lib-1", "person": CARD}
    asks, costs = [
        QuoteAnswer.model_validate((await counter.answers(question)).data)
        for question in (
            QuoteRequest(**asked(**where)),
            QuoteRequest(**asked(**where, confirmed=True)),
        )
    ]
    assert (asks.question, asks.allowed, asks.price) == ("ten pages?", False, ())
    assert (costs.question, costs.allowed) == (None, True)
    assert [each.micros for each in costs.price] == [PRICE]
    reply = await counter.answers(JobsRequest(**asked(person=CARD, printer="lib-1")))
    (row,) = reply.data["jobs"]
    assert row["outlook"]["question"] == "ten pages?"
    assert [each["micros"] for each in row["outlook"]["price"]] == [PRICE]
    assert len(said(site.books, "jobs")) == before


@pytest.mark.parametrize(
    ("actions", "came_out", "paid"),
    [
        ({"factor": 500}, 4, 4 * 5 * CENT // 2),  # half the price of what came out
        ({"factor": 0}, 4, 0),  # free stays free
        # half, and a fee for each sheet that came out
        ({"factor": 500, "surcharge": {"unit": "EUR", "per_sheet": CENT}}, 4, 10 * CENT + 4 * CENT),
        ({"surcharge": {"unit": "EUR", "per_job": CENT}}, 0, 0),  # nothing came out: no fee
    ],
)
async def test_a_part_is_priced_by_the_rules_of_its_release(
    site: Site, actions: dict[str, Any], came_out: int, paid: int
) -> None:
    """What rules did to the price holds for what came out, whatever the rules say by then."""
    rule(site, then(**actions))
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    rule(site, then(factor=100_000), version=8)
    site.spooler.end(job, JobState.CANCELED, came_out)
    await site.intake.sweep()
    charges = events(site, Charged)
    assert sum(each.postings[0].micros for each in charges) == paid
    assert site.books.free(ANA, "EUR") == 4 * PRICE - paid
    assert all(each.rules_version == 7 for each in charges)


async def test_a_job_goes_where_a_rule_sends_it(tmp_path: Path) -> None:
    """It prints at the cheaper printer with the tag, is priced there; the wish is remembered."""
    site = Site(tmp_path, printers=("lib-1", "copier"))
    await site.ready()
    grant(site.books, 4 * PRICE)
    row = PrinterRow(device="copier", node="north", tags=("big",))
    change(site, ("printer", "copier", row))
    rule(site, then(redirect={"tag": "big"}))
    job = await site.arrive()
    decision = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(decision, Allowed)
    assert site.spooler.printed == [("q-copier", job)]
    after = record(site, job)
    assert (after.printer, after.redirected_from) == ("copier", "lib-1")
    (released,) = events(site, JobReleased)
    assert (released.printer, released.redirected_from) == ("copier", "lib-1")
    await site.intake.sweep()
    (settled,) = events(site, JobSettled)
    assert settled.printer == "copier"


async def test_no_colour_goes_to_a_printer_that_has_none(tmp_path: Path) -> None:
    """What the site's settings say of a printer holds for rules too."""
    site = Site(tmp_path, printers=("lib-1", "copier"), mono=("copier",))
    await site.ready()
    grant(site.books, 4 * PRICE)
    rule(site, then(redirect={"printer": "copier"}))
    job = await site.arrive()
    colour = figures().model_copy(update={"color_impressions": 10, "monochrome_impressions": 0})
    waiting = record(site, job).with_(planned=colour)
    decision = site.releasing.preview(waiting, "lib-1")
    assert isinstance(decision, Allowed)
    assert decision.printer == "lib-1"
    assert "not redirected" in decision.because[0].text


async def test_tags_are_those_of_the_newest_directory(tmp_path: Path) -> None:
    """A printer that gets or loses a tag is met by rules at once."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, 4 * PRICE)
    rule(site, {"name": "r", "when": {"tags": ["library"]}, "then": {"deny": "no"}})
    job = await site.arrive()
    assert isinstance(site.releasing.preview(record(site, job), "lib-1"), Allowed)
    change(site, ("printer", "lib-1", PrinterRow(device="lib-1", node="north", tags=("library",))))
    assert isinstance(site.releasing.preview(record(site, job), "lib-1"), Denied)
    change(site, ("printer", "lib-1", PrinterRow(device="lib-1", node="north")))
    assert isinstance(site.releasing.preview(record(site, job), "lib-1"), Allowed)


async def test_the_same_wish_twice_is_one_though_it_went_elsewhere(tmp_path: Path) -> None:
    """A person who taps twice at the printer they asked for is told the same."""
    site = Site(tmp_path, printers=("lib-1", "copier"))
    await site.ready()
    grant(site.books, 4 * PRICE)
    rule(site, then(redirect={"printer": "copier"}))
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    first = await site.releasing.release(job, "lib-1", "ana")
    again = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(first, Allowed)
    assert isinstance(again, Allowed)
    assert (again.printer, again.redirected_from) == (first.printer, first.redirected_from)
    assert site.books.free(ANA, "EUR") == 3 * PRICE


async def test_a_quota_pays_before_money_and_the_rest_goes_back(site: Site) -> None:
    """Of wallets the first is spent first; a part that came out is charged in the same order."""
    person = UserRow(name="ana", accounts=(QUOTA,), wallets=((PHYSICS, ANA),))
    change(
        site,
        ("user", "ana", person),
        ("account", PHYSICS, AccountRow(account=PHYSICS, unit="EUR")),
    )
    grant(site.books, 30 * CENT, PHYSICS)
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    assert site.books.free(PHYSICS, "EUR") == 0
    assert site.books.free(ANA, "EUR") == 4 * PRICE - 20 * CENT
    site.spooler.end(job, JobState.CANCELED, 7)
    await site.intake.sweep()
    (charge,) = events(site, Charged)
    assert [(each.account, each.micros) for each in charge.postings] == [
        (PHYSICS, 30 * CENT),
        (ANA, 5 * CENT),
    ]
    assert site.books.free(ANA, "EUR") == 4 * PRICE - 5 * CENT


async def test_pages_settle_without_any_tariff(site: Site) -> None:
    """A quota in pages pays the impressions that came out, though the tariff is gone by then."""
    change(
        site,
        ("user", "ana", UserRow(name="ana", accounts=(QUOTA,))),
        ("account", QUOTA, AccountRow(account=QUOTA, unit="page")),
    )
    grant(site.books, 10_000_000, QUOTA, unit="page")
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    change(site, ("tariff", "1", None))
    site.spooler.end(job, JobState.CANCELED, 3)
    await site.intake.sweep()
    (charge,) = events(site, Charged)
    assert [(each.unit, each.micros) for each in charge.postings] == [("page", 3_000_000)]


async def test_a_chosen_account_pays_and_no_other_may_be_chosen(site: Site) -> None:
    """What a person may choose is theirs by the directory; anything else is refused."""
    person = UserRow(name="ana", accounts=(ANA,), choices=(PHYSICS,))
    change(
        site,
        ("user", "ana", person),
        ("account", PHYSICS, AccountRow(account=PHYSICS, unit="EUR")),
    )
    grant(site.books, PRICE, PHYSICS)
    job = await site.arrive()
    strange = await site.releasing.release(job, "lib-1", "ana", account="department:history")
    assert isinstance(strange, Denied)
    assert strange.reason == Reason.ACCOUNT_AUTHORIZATION_FAILED
    assert isinstance(await site.releasing.release(job, "lib-1", "ana", account=PHYSICS), Allowed)
    assert site.books.free(PHYSICS, "EUR") == 0
    assert site.books.free(ANA, "EUR") == 4 * PRICE


async def test_every_wallet_of_a_list_is_asked_for_its_rest(site: Site) -> None:
    """Money of the second account is fetched when the first has no more."""
    person = UserRow(name="ana", wallets=((PHYSICS, ANA),))
    change(
        site,
        ("user", "ana", person),
        ("account", PHYSICS, AccountRow(account=PHYSICS, unit="EUR")),
    )
    site.pages = 100  # 5.00 EUR, of which 2.00 are here
    site.spooler.behaviour = PrinterBehaviour(impressions=100)
    site.funds.coming = {ANA: 6 * PRICE}
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    assert site.funds.asked == [PHYSICS, ANA]


async def test_rules_that_cannot_be_read_deny(site: Site) -> None:
    """Rules of a newer program are not passed over: silence denies."""
    change(site, ("setting", RULES, SettingRow(value='{"version": 9, "rules": [{"name": "x"}]}')))
    job = await site.arrive()
    decision = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(decision, Denied)
    assert decision.reason == Reason.RULES_UNREADABLE


async def test_rules_see_the_hours_of_the_site(site: Site) -> None:
    """A rule for the evening holds in the evening."""
    window = {"days": ["mon"], "start": "18:00", "end": "22:00"}
    rule(site, {"name": "closed", "when": {"time": [window]}, "then": {"deny": "closed"}})
    job = await site.arrive()
    site.now = NOW + timedelta(hours=12)  # 20:00 on a Monday
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Denied)
    site.now = NOW + timedelta(hours=15)
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)


async def test_a_preview_spends_nothing(site: Site) -> None:
    """What a waiting job would come to is known before anything is done."""
    rule(site, then(factor=500))
    job = await site.arrive()
    head = site.books.head("jobs")
    preview = site.releasing.preview(record(site, job), "lib-1")
    assert isinstance(preview, Allowed)
    assert preview.price.total.micros == PRICE // 2
    assert site.books.head("jobs") == head
    assert site.books.free(ANA, "EUR") == 4 * PRICE


async def test_the_record_of_a_settled_job_drops_its_lines(site: Site) -> None:
    """Why is kept by the event; the record of an ended job is many, so it stays short."""
    rule(site, then(factor=500))
    job = await site.arrive()
    await site.releasing.release(job, "lib-1", "ana")
    await site.intake.sweep()
    assert site.phase(job) == Phase.SETTLED
    assert record(site, job).because == ()
    (released,) = events(site, JobReleased)
    assert released.because


def test_an_older_record_loads_and_settles() -> None:
    """A hold from before lists means what it meant: each account pays the whole price."""
    old = held_job().model_dump(mode="json", exclude_defaults=True)
    old |= {
        "phase": "releasing",
        "changes": {"media": "iso_a4"},
        "hold": {
            "amounts": [
                {"account": ANA, "unit": "EUR", "micros": PRICE},
                {"account": PHYSICS, "unit": "EUR", "micros": PRICE},
            ],
            "tariff_version": 1,
        },
    }
    loaded = JobRecord.model_validate(old)
    assert loaded.hold is not None
    assert [each.demand for each in loaded.hold.charges] == [0, 1]
    assert loaded.expected == loaded.planned
    assert (loaded.pages, loaded.document_format, loaded.because) == (0, None, ())


async def test_a_record_comes_back_from_the_journal_as_it_was(site: Site) -> None:
    """Everything a decision wrote down survives a crash."""
    rule(site, then(copies_max=1, factor=500, tags=["thesis"]))
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive(attributes={"copies": 2})
    await site.releasing.release(job, "lib-1", "ana")
    before = record(site, job)
    assert before.tags == ("thesis",)
    assert before.hold is not None
    assert before.hold.adjustments
    site.crash()
    assert site.books.job(UUID(int=job.int)) == before


async def test_what_is_told_of_prices_is_what_the_tariff_says(site: Site) -> None:
    """A new tariff changes what a waiting job would cost, not what a released one does."""
    job = await site.arrive()
    change(site, ("tariff", "2", tariff(2, cents=7)), ("tariff", "1", None))
    preview = site.releasing.preview(record(site, job), "lib-1")
    assert isinstance(preview, Allowed)
    assert preview.price.total.micros == 70 * CENT
