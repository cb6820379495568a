"""What terminals may ask of an edge: their person's own, once, and never more than their share."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.codec import encode
from broker.directory import RULES, SettingRow
from broker.messages import (
    CancelRequest,
    CodesFrom,
    DirectoryRows,
    JobReleased,
    JobsRequest,
    Person,
    RedeemAnswer,
    RedeemRequest,
    ReleaseRequest,
    Reply,
    StatusRequest,
    VerifyRequest,
)
from config.policy.courier import Purpose, make
from config.policy.rules import RuleSet
from edge.ports import SpoolerRefusedError
from edge.requests import Unanswered
from edge.store.replica import rows_of
from tests.unit.counter_lab import CARD, NUMBERS, Counter, asked
from tests.unit.edge_lab import ANA, CENT, NOW, Site, grant, held_job, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId


@pytest.fixture
async def counter(tmp_path: Path) -> Counter:
    """Make a site with money for two jobs."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, 100 * CENT)
    return Counter(site)


def release(job: JobId, person: Person = CARD) -> ReleaseRequest:
    """Return a wish to print."""
    return ReleaseRequest(**asked(job=job, printer="lib-1", person=person))


async def test_a_card_releases_its_owners_job(counter: Counter) -> None:
    """The answer says what became of it."""
    job = await counter.site.arrive()
    reply = await counter.answers(release(job))
    assert reply.status == "ok"
    assert reply.data["job"]["job"] == str(job)


async def test_an_unknown_card_releases_nothing(counter: Counter) -> None:
    """Silence denies: nobody is known by it."""
    job = await counter.site.arrive()
    reply = await counter.answers(release(job, Person(card="0815")))
    assert reply.status == "refused"
    assert counter.site.spooler.printed == []


async def test_the_same_question_twice_is_acted_on_once(counter: Counter) -> None:
    """A doubled message, during or after the answer, prints and charges nothing more."""
    job = await counter.site.arrive()
    question = release(job)
    first, second = await asyncio.gather(counter.hears(question), counter.hears(question))
    assert isinstance(first, Reply)
    assert isinstance(second, Unanswered)
    await counter.site.intake.sweep()
    assert counter.site.phase(job) == "settled"
    assert await counter.hears(question) == first
    released = [each for each in said(counter.site.books, "jobs") if isinstance(each, JobReleased)]
    assert len(released) == 1


async def test_a_question_after_its_deadline_is_not_acted_on(counter: Counter) -> None:
    """A replayed wish of a person who has left prints nothing."""
    job = await counter.site.arrive()
    question = release(job)
    counter.site.now += timedelta(minutes=1)
    assert (await counter.answers(question)).status == "expired"
    assert counter.site.spooler.printed == []


async def test_a_failure_is_tried_again_with_the_same_question(counter: Counter) -> None:
    """What failed for the moment is not remembered as an answer."""
    job = await counter.site.arrive()
    question = release(job)
    counter.site.disk.space = 0
    assert (await counter.answers(question)).status == "failed"
    counter.site.disk.space = None
    assert (await counter.answers(question)).status == "ok"


async def test_a_terminal_sees_only_its_persons_jobs(counter: Counter) -> None:
    """Others' jobs are the operator's to list."""
    mine = await counter.site.arrive()
    await counter.site.arrive(user="eve")
    page = (await counter.answers(JobsRequest(**asked(person=CARD)))).data["jobs"]
    assert [row["job"] for row in page] == [str(mine)]
    assert (await counter.answers(JobsRequest(**asked()))).status == "refused"
    whole = await counter.answers(JobsRequest(**asked()), "operator")
    assert len(whole.data["jobs"]) == 2


async def test_a_terminal_cancels_only_its_persons_jobs(counter: Counter) -> None:
    """Neither another's job nor, without a person, anybody's."""
    theirs = await counter.site.arrive(user="eve")
    for person in (CARD, None):
        reply = await counter.answers(CancelRequest(**asked(job=theirs, person=person)))
        assert reply.status == "refused"
    assert counter.site.phase(theirs) == "held"
    mine = await counter.site.arrive()
    assert (await counter.answers(CancelRequest(**asked(job=mine, person=CARD)))).status == "ok"
    assert counter.site.books.free(ANA, "EUR") == 100 * CENT


async def test_a_spooler_that_refuses_is_told_of(counter: Counter) -> None:
    """The person at the terminal gets an answer, not silence."""
    job = await counter.site.arrive()

    async def refuses(_: object) -> None:
        await asyncio.sleep(0)
        raise SpoolerRefusedError("no")

    counter.site.spooler.cancel = refuses  # type: ignore[method-assign,assignment]
    reply = await counter.answers(CancelRequest(**asked(job=job, person=CARD)))
    assert reply.status == "failed"
    assert counter.site.phase(job) == "held"


async def test_only_the_operator_reads_the_whole_journal(counter: Counter) -> None:
    """A terminal cannot keep the site busy with verifying, nor the operator twice at a time."""
    for question in (VerifyRequest(**asked()), StatusRequest(**asked())):
        assert (await counter.answers(question)).status == "refused"
    first = asyncio.create_task(counter.answers(VerifyRequest(**asked()), "operator"))
    await asyncio.sleep(0)
    second = await counter.answers(VerifyRequest(**asked()), "operator")
    assert second.status == "failed"
    counter.verified.set()
    assert (await first).data == {"holds": True}


async def test_a_terminal_that_asks_too_much_does_not_crowd_out_the_others(
    counter: Counter,
) -> None:
    """Beyond its share a node is told to wait at once; another node is served."""
    gate = asyncio.Event()

    async def slowly(*_: object, **__: object) -> None:
        await gate.wait()

    counter.site.funds.fetch = slowly  # type: ignore[method-assign]
    counter.site.pages = 100
    jobs = [await counter.site.arrive() for _ in range(40)]
    asks = [asyncio.create_task(counter.answers(release(job))) for job in jobs]
    await asyncio.sleep(0.01)
    refused = [ask.result() for ask in asks if ask.done()]
    assert len(refused) == 8
    assert {reply.problem.code for reply in refused if reply.problem} == {"busy"}
    counter.site.pages = 1
    other = await counter.site.arrive()
    assert (await counter.answers(release(other), "reader")).status == "ok"
    gate.set()
    await asyncio.gather(*asks)


async def test_a_list_of_jobs_with_long_words_fits_its_message(counter: Counter) -> None:
    """Nobody's long names keep the operator from seeing the jobs: the page is shorter."""
    site = counter.site
    for number in range(60):
        record = held_job().with_(
            job=UUID(int=number + 1), name="\N{GRINNING FACE}" * 255, problem="\N{SNOWMAN}" * 500
        )
        with site.books._db.transaction():
            site.books._put(record)
    seen: set[str] = set()
    after: UUID | None = None
    more = True
    while more:
        reply = await counter.answers(JobsRequest(**asked(after=after)), "operator")
        encode(reply, source="north", id_=UUID(int=1), now=NOW)
        rows = [row["job"] for row in reply.data["jobs"]]
        seen.update(rows)
        after, more = UUID(rows[-1]), reply.data["more"]
    assert len(seen) == 60


async def test_what_cannot_be_read_is_not_answered(counter: Counter) -> None:
    """Neither a method that is not there nor a payload that is no question stops anything."""
    for method, payload in (("format-disk", b"{}"), ("release", b"\xff"), ("release", b"{}")):
        assert isinstance(await counter.requests.answer("panel", method, payload), Unanswered)


def code_for_ana(site: Site) -> str:
    """Return a courier code of 2.50, for a site that was told how to check it."""
    site.books.codes.keep_key("ab" * 32)
    site.books.codes.begin(CodesFrom(epoch=1))
    purpose = Purpose(site.books.incarnation, 1, ANA, "EUR", 0, 25)
    return make(bytes.fromhex("ab" * 32), purpose)


def redeem(code: str, person: Person = CARD) -> RedeemRequest:
    """Return the question to take a code."""
    number = UUID(int=next(NUMBERS))
    return RedeemRequest(
        corr=number, expires_at=NOW + timedelta(seconds=8), code=code, person=person
    )


async def test_a_code_is_taken_for_whom_the_card_names(counter: Counter) -> None:
    """The answer says what it brought and what may be spent; asked again it brought it before."""
    code = code_for_ana(counter.site)
    before = counter.site.books.free(ANA, "EUR")
    reply = await counter.answers(redeem(code))
    told = RedeemAnswer.model_validate(reply.data)
    assert (told.account, told.micros, told.before) == (ANA, 250 * CENT, False)
    assert told.free == before + 250 * CENT == counter.site.books.free(ANA, "EUR")
    again = RedeemAnswer.model_validate((await counter.answers(redeem(code))).data)
    assert (again.before, again.free) == (True, told.free)


async def test_a_code_question_that_comes_twice_has_one_answer(counter: Counter) -> None:
    """A terminal that asks again because the answer was lost is not told that it came too late."""
    question = redeem(code_for_ana(counter.site))
    assert await counter.answers(question) == await counter.answers(question)


@pytest.mark.parametrize(
    ("person", "code", "why"),
    [
        (Person(card="9999"), "1852 3417 8625 3145 0128", "no-identity"),
        (CARD, "1852 3417", "not-a-code"),
        (CARD, "1852 3417 8625 3145 0128", "code-wrong"),
    ],
)
async def test_a_code_that_is_not_taken_is_refused_in_words(
    counter: Counter, person: Person, code: str, why: str
) -> None:
    """Each refusal has a name for machines, a sentence for people, and does not repeat the code."""
    code_for_ana(counter.site)
    reply = await counter.answers(redeem(code, person))
    assert reply.status == "refused"
    assert reply.problem is not None
    assert reply.problem.code == why
    assert code not in reply.problem.detail


def ruled(site: Site, **actions: Any) -> None:  # noqa: ANN401  any action
    """Put one rule in force at the site."""
    made = {"version": 5, "rules": [{"name": "the rule", "then": actions}]}
    row = SettingRow(value=RuleSet.model_validate(made).to_json())
    rows = rows_of([("setting", RULES, 2, row)])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))


async def test_a_question_is_answered_by_the_same_wish_confirmed(counter: Counter) -> None:
    """The terminal hears the question, what may be answered and why; yes releases the job."""
    ruled(counter.site, confirm="ten pages?")
    job = await counter.site.arrive()
    asks = await counter.answers(release(job))
    assert asks.problem is not None
    assert (asks.status, asks.problem.code) == ("refused", "answer-needed")
    assert (asks.data["question"], asks.data["choices"]) == ("ten pages?", ["yes", "no"])
    assert asks.data["rules_version"] == 5
    said_yes = release(job).model_copy(update={"confirmed": True})
    reply = await counter.answers(said_yes)
    assert reply.status == "ok"
    assert [each["code"] for each in reply.data["because"]][-1] == "account"


async def test_a_person_chooses_who_pays(counter: Counter) -> None:
    """An account that is not theirs to choose is refused, with the reason a terminal can show."""
    job = await counter.site.arrive()
    wish = release(job).model_copy(update={"account": "department:history"})
    reply = await counter.answers(wish)
    assert reply.problem is not None
    assert reply.problem.code == "account-authorization-failed"


async def test_a_list_foretells_what_a_job_comes_to(counter: Counter) -> None:
    """Price, conversions, question and refusal are known before anybody releases anything."""

    async def outlook() -> dict[str, Any]:
        (row,) = (await counter.answers(JobsRequest(**asked(person=CARD)))).data["jobs"]
        found: dict[str, Any] = row["outlook"]
        return found

    site = counter.site
    await site.arrive(attributes={"copies": 2})
    assert (await outlook())["price"][0]["micros"] == 100 * CENT
    ruled(site, copies_max=1)
    seen = await outlook()
    assert (seen["price"][0]["micros"], seen["conversions"]) == (50 * CENT, {"copies": "1"})
    assert seen["printer"] == "lib-1"


@pytest.mark.parametrize(
    ("reachable", "told"),
    [
        (True, (None, 200 * CENT)),  # the rest may still come: it is asked for at release
        (False, ("refused", None)),
    ],
)
async def test_money_that_can_be_fetched_is_no_refusal_yet(
    counter: Counter, *, reachable: bool, told: tuple[str | None, int | None]
) -> None:
    """A list says no only to what stays no."""
    site = counter.site
    site.funds.reachable = reachable
    site.pages = 40
    await site.arrive()
    (row,) = (await counter.answers(JobsRequest(**asked(person=CARD)))).data["jobs"]
    outlook = row["outlook"]
    price = outlook["price"][0]["micros"] if outlook["price"] else None
    assert (outlook["refusal"] and "refused", price) == told


async def test_who_lists_their_jobs_has_money_fetched_ahead(counter: Counter) -> None:
    """What their jobs are short of together is asked for, once; an operator's look asks nothing."""
    site = counter.site
    for _ in range(3):
        await site.arrive()
    await counter.answers(JobsRequest(**asked()), "operator")
    await asyncio.sleep(0)
    assert site.funds.ahead == []
    for _ in range(2):
        await counter.answers(JobsRequest(**asked(person=CARD)))
        for _ in range(3):
            await asyncio.sleep(0)
    assert [(account, money.micros) for account, money in site.funds.ahead] == [
        ("user:ana", 50 * CENT)
    ]
