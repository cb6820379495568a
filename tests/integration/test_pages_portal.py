"""One's own pages: what was printed and why, what waits, money that is carried, cards and PIN."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from broker.directory import UserRow
from central.acts import cards as card_acts
from central.acts.by import By
from central.store import audit, code_list, commands, directory, secrets
from central.store import refund_requests as requests
from config import popup_token
from tests.integration.pages_lab import PERSON, browser, enter, signed_in
from tests.integration.portal_lab import SITE, open_portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("pages are no question of SQL; their acts are tried on both")


def location(answer: Any) -> str:  # noqa: ANN401  a response
    """Return where an answer leads."""
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


# ── history ─────────────────────────────────────────────────────────────────────────────────


async def test_the_list_leads_to_a_job_that_says_why(tmp_path: Path) -> None:
    """The first sentence is what was paid; below stand the lines that made the price."""
    portal = open_portal(tmp_path)
    job = portal.printed()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/history")
        assert f'href="/me/jobs/{job}/why"' in ana.page
        assert "€0.18" in ana.text()
        # whoever kept the old address is led on
        assert location(await ana.get(f"/me/history/{job}")) == f"/me/jobs/{job}/why"
        await ana.get(f"/me/jobs/{job}/why")
        assert "You paid €0.18 for 6 pages (3 sheets), 2 in colour, two-sided, on Library 2" in (
            ana.text()
        )
        assert "10 sides, 0.30 EUR (tariff 1)" in ana.text()
        assert "rule “both sides”" in ana.text()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=thesis", True),
        ("q=nothing-like-it", False),
        ("state=completed", True),
        ("state=pending-held", False),
        ("from=2000-01-01&to=2099-12-31", True),
        ("from=2099-01-01", False),
        ("from=0001-01-01&to=9999-12-31", True),
        ("state=%00&from=x&to=%F0%9F%92%A9&after=%00%00&n=-1&sort=drop", True),
    ],
)
async def test_filters_are_in_the_address(tmp_path: Path, query: str, *, found: bool) -> None:
    """Each narrows the list, and nonsense in it fails nothing."""
    portal = open_portal(tmp_path)
    job = portal.printed()
    async with signed_in(portal.lab, PERSON) as ana:
        answer = await ana.get(f"/me/history?{query}")
        assert answer.status_code == 200
        assert (str(job) in answer.text) is found


async def test_the_list_is_had_as_a_file(tmp_path: Path) -> None:
    """With the name, the pages and the cost of each job, and of nobody else's."""
    portal = open_portal(tmp_path)
    portal.printed()
    portal.office.held(user="eve", name="Secret.pdf")
    async with signed_in(portal.lab, PERSON) as ana:
        text = (await ana.get("/me/history?as=csv")).text
        assert "Thesis.pdf" in text
        assert "0.18 EUR" in text
        assert "Secret" not in text


@pytest.mark.parametrize(
    "path", ["/me/jobs/{job}/why", "/me/jobs/{job}", "/me/jobs/{job}/delete", "/me/jobs/{job}x/why"]
)
async def test_somebody_elses_job_is_no_page(tmp_path: Path, path: str) -> None:
    """Whether there is such a job is nobody's business: not even an administrator's, here."""
    portal = open_portal(tmp_path)
    job = portal.office.held(user="eve", name="Secret.pdf")
    for name in (PERSON, "ada"):
        async with signed_in(portal.lab, name) as visitor:
            answer = await visitor.get(path.format(job=job))
            assert answer.status_code == 404
            assert "Secret" not in answer.text
    async with browser(portal.lab) as nobody:
        assert "/sign-in" in location(await nobody.get(path.format(job=job)))


async def test_money_is_asked_for_once_and_withdrawn(tmp_path: Path) -> None:
    """The request stands on the job's page until it is answered or taken back."""
    portal = open_portal(tmp_path)
    job = portal.printed()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why")
        ask = f"/me/jobs/{job}/why/ask-back"
        assert (await ana.post(ask, reason=" ")).status_code == 422
        answer = await ana.post(ask, reason="Page 3 <b>was</b> black")
        await ana.get(location(answer))
        assert "Page 3 <b>was</b> black" in ana.text()
        assert "<b>was</b>" not in ana.page
        assert (await ana.post(ask, reason="and once more")).status_code == 422
        await ana.get(f"/me/jobs/{job}/why")
        await ana.post(f"/me/jobs/{job}/why/withdraw")
        with portal.lab.books.read() as tx:
            assert requests.of_job(tx, job)[0].state == "withdrawn"
        assert (await ana.post(f"/me/jobs/{job}/why/withdraw")).status_code == 404


# ── what waits ──────────────────────────────────────────────────────────────────────────────


async def test_a_document_is_printed_from_afar(tmp_path: Path) -> None:
    """The wish goes to its site at once, and its answer is told where it waits."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        assert "1 document waits for you." in ana.text()
        answer = await ana.post(
            f"/me/jobs/{job}/send",
            printer="west-2", sides="two-sided-long-edge", mode="monochrome", copies="2",
        )  # fmt: skip
        (command,) = portal.asked()
        assert command.command == "release-job"
        changes = {"copies": 2, "sides": "two-sided-long-edge", "print_color_mode": "monochrome"}
        expected = {"user": PERSON, "job": str(job), "printer": "west-2", "changes": changes}
        assert command.args == expected
        await ana.get("/me/jobs")
        assert "is being asked" in ana.text()
        held = [{"account": "user:ana", "unit": "EUR", "micros": 300_000}]
        portal.tells(command, "successful", job={"printer": "west-2", "held": held})
        assert location(await ana.get(location(answer))) == "/me/jobs"
        await ana.get("/me/jobs")
        assert "Thesis.pdf is printed on Hall. €0.30 is set aside" in ana.text()
        assert "No document waits for you." in ana.text()
    with portal.lab.books.read() as tx:
        acts = [each for each in audit.acts(tx, target=str(job)) if each.act == "job release wish"]
    assert [each.author for each in acts] == [f"web:{PERSON}"]


async def test_a_refusal_is_told_with_its_reasons(tmp_path: Path) -> None:
    """What the site decided stands there in people's words, and the document still waits."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        answer = await ana.post(f"/me/jobs/{job}/send", printer="north-1")
        (command,) = portal.asked()
        because = [{"code": "price", "text": "10 sides, 9.00 EUR", "rule": "dear <i>ones</i>"}]
        portal.tells(
            command, "failed", "4.80 EUR are missing",
            code="account-limit-reached", because=because,
        )  # fmt: skip
        await ana.get(location(answer))
        assert "There is not enough money for it. 4.80 EUR are missing" in ana.text()
        assert "10 sides, 9.00 EUR Rule: dear <i>ones</i>" in ana.text()
        assert "<i>ones" not in ana.page
        await ana.get("/me/jobs")
        assert "1 document waits for you." in ana.text()


async def test_a_question_is_answered_by_a_second_wish(tmp_path: Path) -> None:
    """What a rule asks is asked here, and the yes goes back with what was wished."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        answer = await ana.post(f"/me/jobs/{job}/send", printer="north-1", mode="monochrome")
        (command,) = portal.asked()
        portal.tells(command, "failed", code="answer-needed", question="In colour, really?")
        await ana.get(location(answer))
        assert "A rule asks first: In colour, really?" in ana.text()
        assert 'name="confirmed" value="yes"' in ana.page
        await ana.post(
            f"/me/jobs/{job}/send", printer="north-1", mode="monochrome", confirmed="yes"
        )
        (again,) = portal.asked()
        assert again.args == {**command.args, "confirmed": True}


async def test_a_price_is_asked_before(tmp_path: Path) -> None:
    """What it would come to is told, and printing it is one touch more."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}")
        answer = await ana.post(f"/me/jobs/{job}/send", printer="north-1", do="quote", copies="3")
        (command,) = portal.asked()
        assert command.command == "quote-job"
        price = [{"account": "user:ana", "unit": "EUR", "micros": 900_000}]
        portal.tells(command, "successful", allowed=True, price=price, impressions=30, sheets=15)
        await ana.get(location(answer))
        assert "It would cost you €0.90 on Library 2. 30 pages (15 sheets)" in ana.text()
        assert 'name="copies" value="3"' in ana.page


async def test_deleting_tells_what_it_comes_to_first(tmp_path: Path) -> None:
    """A page with the numbers, then the wish, then it is gone from the list."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/delete")
        assert "It is thrown away at West Wing: 10 pages (5 sheets)" in ana.text()
        assert portal.asked() == []
        answer = await ana.post(f"/me/jobs/{job}/delete")
        (command,) = portal.asked()
        assert (command.command, command.args) == ("cancel-job", {"user": PERSON, "job": str(job)})
        portal.tells(command, "successful", job={})
        assert location(await ana.get(location(answer))) == "/me/jobs"
        await ana.get("/me/jobs")
        assert "Thesis.pdf is deleted." in ana.text()


async def test_the_first_page_leads_to_what_waits(tmp_path: Path) -> None:
    """It says how many documents wait; what was refused says why on its own page too."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me")
        assert 'href="/me/jobs">' in ana.page
        assert "documents wait for you" not in ana.text()
        portal.office.held()
        refused = portal.office.held()
        portal.office.refused(refused)
        await ana.get("/me")
        assert "2 documents wait for you." in ana.text()
        await ana.get(f"/me/jobs/{refused}")
        assert "A rule of this organisation says no." in ana.text()


async def test_a_site_that_works_alone_is_not_asked(tmp_path: Path) -> None:
    """It is said plainly, and nothing is queued for later."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    portal.heard(linked=False)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        assert "West Wing works alone now, so nothing can be sent there." in ana.text()
        assert f"/me/jobs/{job}/send" not in ana.page
        await ana.post(f"/me/jobs/{job}/send", printer="north-1")
        await ana.get("/me/jobs")
        assert "Nothing was queued" in ana.text()
    assert portal.asked() == []


async def test_an_older_site_is_told_apart(tmp_path: Path) -> None:
    """A program that does not know such wishes is not asked, and people are told what to do."""
    portal = open_portal(tmp_path, wire=3)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        assert "The program at West Wing is older than this page" in ana.text()
        await ana.post(f"/me/jobs/{job}/send", printer="north-1")
    assert portal.asked() == []


async def test_a_site_that_says_nothing_is_waited_for_and_then_told(tmp_path: Path) -> None:
    """The page comes again by itself; after a minute it says that nothing is queued."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        there = location(await ana.post(f"/me/jobs/{job}/send", printer="north-1"))
        answer = await ana.get(f"{there}?now=1")
        assert answer.headers["refresh"] == "1"
        assert "West Wing is being asked" in ana.text()
        portal.lab.later(seconds=75)
        await ana.get(there)
        assert "West Wing did not answer in time." in ana.text()


@pytest.mark.parametrize(
    "fields",
    [
        {"printer": "nowhere"},
        {"printer": ""},
        {"printer": "north-1", "copies": "0"},
        {"printer": "north-1", "copies": "99999"},
        {"printer": "north-1", "copies": "²"},
    ],
)
async def test_nonsense_is_not_sent(tmp_path: Path, fields: dict[str, str]) -> None:
    """A printer of nowhere, copies that are none: said, and nothing goes to the site."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        answer = await ana.post(f"/me/jobs/{job}/send", **fields)
        assert answer.status_code in {303, 422}
    assert portal.asked() == []


async def test_nobody_wishes_for_another_nor_reads_their_wish(tmp_path: Path) -> None:
    """Another person's job, another person's answer: there is no such page."""
    portal = open_portal(tmp_path)
    enter(portal.lab.books, "eve")
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        there = location(await ana.post(f"/me/jobs/{job}/send", printer="north-1"))
    portal.asked()
    async with signed_in(portal.lab, "eve") as eve:
        await eve.get("/me/jobs")
        assert (await eve.get(there)).status_code == 404
        for path in (f"/me/jobs/{job}/send", f"/me/jobs/{job}/delete"):
            assert (await eve.post(path, printer="north-1")).status_code == 404
        for id_ in ("x", str(uuid4())):
            assert (await eve.get(f"/me/asked/{id_}")).status_code == 404
    assert portal.asked() == []


async def test_a_flood_of_wishes_ends(tmp_path: Path) -> None:
    """Nobody keeps a site busy with wishes without end."""
    portal = open_portal(tmp_path)
    job = portal.office.held()
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        for _ in range(40):
            await ana.post(f"/me/jobs/{job}/send", printer="north-1", do="quote")
    assert len(portal.asked()) == 30


# ── money that is carried ───────────────────────────────────────────────────────────────────


async def test_the_code_at_a_machine_fills_the_form(tmp_path: Path) -> None:
    """Site and amount come with the address; one touch more gets the code."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get(f"/me/code?site={SITE}&amount=2.00")
        assert f'<option value="{SITE}" selected>' in ana.page
        assert 'value="2.00"' in ana.page


async def test_a_code_is_shown_to_who_carries_it(tmp_path: Path) -> None:
    """Twenty digits, to the person who asked, for a while; the money is at the site by then."""
    portal = open_portal(tmp_path)
    enter(portal.lab.books, "eve")
    portal.heard(linked=False)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get(f"/me/code?site={SITE}")
        assert "West Wing working alone" in ana.text()
        there = location(await ana.post("/me/code", site=SITE, account="user:ana", amount="2.00"))
        await ana.get(there)
        assert "Type this at a machine at West Wing: it brings you €2.00." in ana.text()
        digits = re.findall(r"<span>(\d{4})</span>", ana.page)
        assert len(digits) == 5
        portal.lab.later(hours=1)
        await ana.get("/me")
        if "/me" in str((await ana.get(there)).url):
            assert digits[0] not in ana.page
    async with signed_in(portal.lab, "eve") as eve:
        assert (await eve.get(there)).status_code == 404
    with portal.lab.books.read() as tx:
        (made,) = code_list.every(tx)
    assert (made.state, made.author, made.user) == ("issued", f"web:{PERSON}", PERSON)


@pytest.mark.parametrize("amount", ["", "-1", "0", "0.05", "1000", "much", "1e3"])
async def test_an_amount_that_is_none_is_said(tmp_path: Path, amount: str) -> None:
    """Beside the field, with what was typed kept; no code is made."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/code")
        answer = await ana.post("/me/code", site=SITE, account="user:ana", amount=amount)
        assert answer.status_code == 422
        assert 'id="e-amount"' in answer.text
    with portal.lab.books.read() as tx:
        assert code_list.every(tx) == []


async def test_no_code_of_anybody_elses_money(tmp_path: Path) -> None:
    """An account that one may not pay from brings nothing anywhere."""
    portal = open_portal(tmp_path)
    enter(portal.lab.books, "eve")
    async with signed_in(portal.lab, "eve") as eve:
        await eve.get("/me/code")
        answer = await eve.post("/me/code", site=SITE, account="user:ana", amount="1.00")
        assert answer.status_code == 422
        assert (await eve.get(f"/me/code/{uuid4()}")).status_code == 404
    with portal.lab.books.read() as tx:
        assert code_list.every(tx) == []


# ── the pop-up of one's own workstation ─────────────────────────────────────────────────────


async def test_a_pop_up_is_let_in_by_a_hash(tmp_path: Path) -> None:
    """The site is told a hash, the person a token with the secret of it; the books keep neither."""
    portal = open_portal(tmp_path)
    enter(portal.lab.books, "eve")
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/popup")
        assert "West Wing" in ana.text()
        there = location(await ana.post("/me/popup", site=SITE))
        (command,) = portal.asked()
        assert (command.command, command.args["user"]) == ("enrol-popup", PERSON)
        portal.tells(command, "successful", host="west.example.org", port=8883, tls=True)
        await ana.get(there)
        found = popup_token.read(re.findall(r"printmesh1\.[\w.-]+", ana.page)[0])
        assert isinstance(found, popup_token.PopupToken)
        assert (found.node, found.host) == (command.args["node"], "west.example.org")
        assert sha256(found.secret.encode()).hexdigest() == command.args["hash"]
        with portal.lab.books.read() as tx:
            kept = commands.find(tx, command.id)
        assert found.secret not in str(kept)
    async with signed_in(portal.lab, "eve") as eve:
        assert (await eve.get(there)).status_code == 404
        assert (await eve.get(there.replace("popup", "asked"))).status_code == 404
    async with signed_in(portal.lab, PERSON) as ana:
        assert (await ana.get(there.replace("popup", "asked"))).status_code == 404
        portal.lab.later(minutes=20)
        assert (await ana.get(there)).status_code in {303, 404}


async def test_a_site_that_lets_no_pop_up_in_says_why(tmp_path: Path) -> None:
    """Its own words stand there; one that is cut off or unknown is not asked."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/popup")
        there = location(await ana.post("/me/popup", site=SITE))
        (command,) = portal.asked()
        portal.tells(command, "failed", "its broker listens <b>here</b> only", code="no-popup")
        await ana.get(there)
        assert "takes no pop-ups from here. its broker listens <b>here</b> only" in ana.text()
        assert "<b>here</b>" not in ana.page
        assert location(await ana.post("/me/popup", site="nowhere")) == "/me/popup"
        portal.heard(linked=False)
        assert location(await ana.post("/me/popup", site=SITE)) == "/me/popup"
        await ana.get("/me/popup")
        assert "West Wing works alone now." in ana.text()
    assert portal.asked() == []


# ── cards, PIN, language ────────────────────────────────────────────────────────────────────


def card(lab: Lab, number: str = "4711", user: str = PERSON) -> str:
    """Give a person a card; return its key."""
    with lab.books.write() as tx:
        given = card_acts.give(tx, By("cli:test"), user, number, dice=lab.centre.dice)
        assert not hasattr(given, "reason")
        return str(given.key)


async def test_a_lost_card_is_blocked_by_its_owner(tmp_path: Path) -> None:
    """A page says what that comes to; then it identifies nobody."""
    portal = open_portal(tmp_path)
    key, theirs = card(portal.lab), card(portal.lab, "4712", "olga")
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/cards")
        assert "1 card identifies you." in ana.text()
        await ana.get(f"/me/cards/{key}/lost")
        assert "can print and copy nothing with it any more" in ana.text()
        assert location(await ana.post(f"/me/cards/{key}/lost")) == "/me/cards"
        await ana.get("/me/cards")
        assert "No card identifies you." in ana.text()
        for path in ("lost", "pin"):
            assert (await ana.post(f"/me/cards/{theirs}/{path}")).status_code == 404
    with portal.lab.books.read() as tx:
        assert directory.get(tx, "card", theirs) == {"user": "olga"} | {}


async def set_pin(ana: Browser, **fields: str) -> Any:  # noqa: ANN401  a response
    """Send the form of the PIN."""
    await ana.get("/me/cards")
    fields = {"old": "correct horse battery", "pin": "4180", "again": "4180", **fields}
    return await ana.post("/me/pin", **fields)


async def test_a_pin_is_set_with_the_password(tmp_path: Path) -> None:
    """A browser that was left open gives no PIN away; weak ones and slips are said."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        for fields in ({"old": "wrong"}, {"pin": "1234", "again": "1234"}, {"again": "4181"}):
            answer = await set_pin(ana, **fields)
            assert answer.status_code == 422
            assert 'aria-invalid="true"' in answer.text
            portal.lab.later(minutes=10)
        assert location(await set_pin(ana)) == "/me/cards"
    with portal.lab.books.read() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", PERSON))
    assert secrets.matches(row.pin, "4180")


async def test_a_language_is_kept_for_machines_too(tmp_path: Path) -> None:
    """Machines speak it, and these pages at once; one that there is not changes nothing."""
    portal = open_portal(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/cards")
        await ana.post("/me/language", language="fr")
        await ana.get("/me/cards")
        assert "Cartes et PIN" in ana.text()
        await ana.post("/me/language", language="xx")
    with portal.lab.books.read() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", PERSON))
    assert row.language == "fr"
