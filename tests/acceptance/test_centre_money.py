"""Jobs, refunds, accounts and the till in a real browser: light and dark, desktop and phone."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from broker.serving import served
from central.acts import accounts as account_acts
from central.acts import till as till_acts
from central.acts.by import By
from central.store import accounts
from central.store.ledger import Refused
from config.policy.money import Money
from tests.acceptance.browsing import PHONE, browser, window
from tests.acceptance.test_centre_figures import look
from tests.acceptance.test_centre_pages import DESKTOP, sign_in
from tests.integration.money_pages_lab import ask_back, open_money
from tests.integration.pages_lab import PERSON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.acceptance.browsing import Watched
    from tests.integration.pages_lab import Lab

EVA = By("web:eva")


@asynccontextmanager
async def pages(path: Path) -> AsyncIterator[tuple[Lab, str, str, str]]:
    """Serve books with some jobs, a request and an open till; return a job and the request too."""
    lab, office = open_money(path)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    job = office.printed()
    office.printed("0.09", name="Minutes of the meeting of all users of the reading room.odt")
    office.refused(office.held(name="Scan 4.pdf"))
    office.held(name="Poster.pdf")
    request = ask_back(lab, job, "Pages 3 and 4 came out with black streaks.")
    with lab.books.write() as tx:
        rules = accounts.Rules(floor=-5_000_000, label="Institute of Physics")
        assert accounts.open_new(tx, "department:physics", "EUR", rules) is None
        assert account_acts.admit(tx, EVA, "department:physics", ("ana", "ben", "dora")) is None
        opened = till_acts.open_till(tx, EVA, "front-desk", Money.parse("50", "EUR"))
        assert not isinstance(opened, Refused)
        taken = till_acts.take_cash(tx, EVA, "front-desk", "user:ben", Money.parse("10", "EUR"))
        assert not isinstance(taken, Refused)
    async with served(
        lab.app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1
    ) as (port, _):
        try:
            yield lab, f"http://127.0.0.1:{port}", str(job), str(request)
        finally:
            lab.centre.live.close()
    lab.books.close()


async def test_pages_of_money_are_for_everybody(tmp_path: Path) -> None:
    """No serious finding of axe, no fault, no sideways scrolling; each page in two looks."""
    async with pages(tmp_path) as (lab, address, job, request), browser() as started:
        members = "/accounts/members/department:physics"
        main = (
            members,
            f"/jobs/{job}",
            "/jobs",
            "/refunds",
            "/accounts/of/user:ana",
            "/till/at/front-desk",
        )
        rest = (
            f"/jobs/{job}/refund",
            f"/refunds/{request}",
            "/accounts",
            "/accounts/new",
            "/accounts/act/close/user:ana",
            "/accounts/act/correct/user:ana",
            "/accounts/entries/1",
            "/till",
            "/till/at/front-desk/close",
            "/till/receipts/1",
            "/till/sessions/1",
        )
        async with window(started, DESKTOP, color_scheme="light") as seen:
            await sign_in(seen, lab, address, "ada")
            state = await seen.context.storage_state()
            for path in (*main, *rest[::2]):
                await look(seen, address, path, "desktop-light")
        async with window(started, PHONE, color_scheme="dark", storage_state=state) as seen:
            for path in (*main[:3], *rest[1::2]):
                await look(seen, address, path, "phone-dark")
        async with window(started, PHONE, color_scheme="light", locale="de-DE") as seen:
            await sign_in(seen, lab, address, PERSON)
            await look(seen, address, f"/me/jobs/{job}/why", "phone-light")
            assert "0,18\N{NO-BREAK SPACE}€" in await seen.page.inner_text("h1")


async def test_money_is_given_back_and_taken_by_hand(tmp_path: Path) -> None:
    """One click settles; a name that says too little is asked about; each tells what it did."""
    async with (
        pages(tmp_path) as (lab, address, _, _),
        browser() as started,
        window(started, DESKTOP, color_scheme="dark") as seen,
    ):
        await sign_in(seen, lab, address, "ada")
        await seen.page.goto(f"{address}/refunds")
        await seen.page.click(".case button.main")
        await seen.page.wait_for_selector(".notice.good")
        assert "€0.18 went back" in await seen.text(".notice.good")
        assert "Nobody waits" in await seen.text("h1")
        await _take(seen, address)
        assert "€5.00 in cash from Ben is on the account." in await seen.text("h1")
        assert seen.faults == []


async def _take(seen: Watched, address: str) -> None:
    await seen.page.goto(f"{address}/till/at/front-desk")
    await seen.page.fill("#f-for", "be")
    await seen.page.fill("#f-amount", "5")
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_selector(".pick")
    seen.faults.clear()  # a form that is sent back with 422 is told of in the console
    await look_again(seen)
    await seen.page.click(".pick")
    await seen.page.click("#take ~ form button.main")
    await seen.page.wait_for_url("**/till/receipts/*")


async def look_again(seen: Watched) -> None:
    """Look at what a form says that was sent back."""
    assert await seen.hindrances() == []
