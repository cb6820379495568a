"""People at a panel: a real browser, reader, copier, edge, print system and printers."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import zxingcpp
from PIL import Image

from central.commands.desk import desk
from central.store import site_terminals
from demo.documents import pdf
from demo.lab import Lab, Person, Plan
from tests.acceptance.browsing import PHONE, Watched, browser, window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Request, StorageState

    from demo.panel import Panel
    from demo.site import Site

ANA = Person("ana", "0417", "20.00")
BEN = Person("ben", "0533", "0.10")
OLA = Person("ola", "0601", "1.00")
_PINS: dict[str, str] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def north() -> AsyncIterator[Site]:
    """Build one site with a panel at a printer that copies; Ben reads French, Ola operates."""
    plan = Plan(sites=("north",), people=(ANA, BEN, OLA), panels=("north",))
    async with Lab(plan) as lab:
        for person in (ANA, BEN):
            told = await lab.central("pin", "set", person.user, "--generate", "--json")
            _PINS[person.user] = told["pin"]
        await lab.central("user", "set", "ben", "--language", "fr")
        await lab.central("user", "set", "ola", "--operates", "north")
        site = lab.sites["north"]
        await site.until_merged()
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser once."""
    async with browser() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def paired(north: Site, chromium: Browser) -> StorageState:
    """Pair a browser as whoever installs it does; return what it keeps."""
    async with window(chromium) as opened:
        await opened.page.goto(f"{_panel(north).address}pair")
        await opened.page.fill("#code", await _panel(north).pair())
        await opened.page.click("form[action$='/pair'] button.main")
        await opened.page.wait_for_selector("text=This is the screen of")
        return await opened.context.storage_state()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(north: Site, chromium: Browser, paired: StorageState) -> AsyncIterator[Watched]:
    """Open the screen at the machine; nobody is signed in there, and no page may be at fault."""
    async with window(chromium, storage_state=paired) as opened:
        await opened.page.goto(_panel(north).address)
        yield opened
        await _sign_off(opened)
        assert opened.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def phone(north: Site, chromium: Browser) -> AsyncIterator[Watched]:
    """Open a phone: a browser that nobody has paired."""
    async with window(chromium, PHONE) as opened:
        await opened.page.goto(_panel(north).address)
        yield opened
        assert opened.faults == []


def _panel(site: Site) -> Panel:
    assert site.panel is not None
    return site.panel


async def _sign_off(opened: Watched) -> None:
    if await opened.page.locator("#off button").count():
        await opened.page.click("#off button")
        await opened.page.wait_for_url(re.compile(r"/north-panel/$"))


async def _card(site: Site, opened: Watched, person: Person) -> None:
    _panel(site).reader.hold(person.card)
    await opened.page.wait_for_url("**/jobs")


async def _pin(opened: Watched, user: str) -> None:
    await opened.page.fill("#user", user)
    await opened.page.fill("#pin", _PINS[user])
    await opened.page.click("form.signing button.main")
    await opened.page.wait_for_url("**/jobs")


async def _print(site: Site, title: str, person: Person, pages: int = 1, colour: int = 0) -> str:
    paper = site.root / f"paper-{pages}-{colour}.pdf"
    pdf(paper, pages, colour=range(1, colour + 1))
    await site.print(paper, user=person.user, title=title)
    return str((await site.job(title, "held"))["job"])


async def test_card_to_paper(north: Site, screen: Watched) -> None:
    """A card opens its person's jobs; released, one is printed, charged, and off the list."""
    job = await _print(north, "Thesis.pdf", ANA, pages=3)
    await _card(north, screen, ANA)
    assert "Thesis.pdf" in await screen.text()
    assert "€20.00" in await screen.text("header")
    await screen.page.click(f"[action$='/jobs/{job}/release'] button")
    await screen.page.wait_for_selector("text=on its way to")
    await screen.page.wait_for_selector(f"#job-{job}", state="detached")
    done = await north.job("Thesis.pdf", "settled")
    assert (done["billed"], done["charged"][0]["micros"]) == (3, 150_000)
    await _print(north, "More.pdf", ANA)
    await screen.page.wait_for_selector("text=More.pdf is here now")  # nobody touched the screen
    await screen.page.wait_for_selector("h2 >> text=More.pdf")


async def test_changes_and_their_price(north: Site, screen: Watched) -> None:
    """Two copies in black and white cost what the page says before, and are what is printed."""
    job = await _print(north, "Poster.pdf", ANA, pages=2, colour=2)
    await _card(north, screen, ANA)
    await screen.page.click(f"a[href$='/jobs/{job}']")
    await screen.page.wait_for_selector("#figure >> text=€0.40")
    await screen.page.fill("#copies", "2")
    await screen.page.click("label[for='color-mono']")
    await screen.page.wait_for_selector("#figure >> text=€0.20")
    await screen.page.click("#release")
    await screen.page.wait_for_url("**/jobs")
    done = await north.job("Poster.pdf", "settled")
    assert (done["billed"], done["charged"][0]["micros"]) == (4, 200_000)


async def test_phone_beside_the_screen(north: Site, screen: Watched, phone: Watched) -> None:
    """A phone is signed in by PIN, in its person's language, and the screen is somebody else's."""
    await _print(north, "Lettre.pdf", BEN)
    await _pin(phone, "ben")
    await _card(north, screen, ANA)
    assert await phone.page.get_attribute("html", "lang") == "fr"
    assert "Lettre.pdf" in await phone.text()
    assert "0,10" in await phone.text("header")
    assert not await phone.page.locator("a[href$='/copy']").count()
    assert "Lettre.pdf" not in await screen.text()
    assert await screen.page.get_attribute("html", "lang") == "en"


async def test_screen_is_taken_over_from_a_phone(
    north: Site, screen: Watched, phone: Watched
) -> None:
    """Whoever is signed in on a phone is so at the screen after its code; a code serves once."""
    picture = Image.open(BytesIO(await screen.page.screenshot()))
    (scanned,) = zxingcpp.read_barcodes(picture)
    await _pin(phone, "ana")
    await phone.page.goto(scanned.text)
    await phone.page.click("button[value='screen']")
    await screen.page.wait_for_url("**/jobs")
    assert "ana" in await screen.text("header")
    await phone.page.goto(scanned.text)
    assert "hand" not in phone.page.url


async def test_a_screen_that_stands_for_hours_shows_a_code_that_serves(screen: Watched) -> None:
    """The sign-in page fetches its code anew before the old one ends; nothing typed is lost."""
    await screen.page.clock.install()
    await screen.page.reload()
    await screen.page.evaluate("find = document.querySelector('#main'); find.dataset.old = '1'")
    await screen.page.clock.run_for(55_000)
    await screen.page.wait_for_selector("#main:not([data-old]) .qr")
    await screen.page.fill("#user", "ana")
    await screen.page.clock.run_for(55_000)
    assert await screen.page.input_value("#user") == "ana"


async def test_without_scripts(north: Site, chromium: Browser) -> None:
    """Signing in, listing, changing, releasing and deleting need no script."""
    job = await _print(north, "Plain.pdf", ANA, pages=2)
    other = await _print(north, "Wrong.pdf", ANA)
    async with window(chromium, java_script_enabled=False) as opened:
        page = opened.page
        await page.goto(_panel(north).address)
        await _pin(opened, "ana")
        await page.click(f"a[href$='/jobs/{job}']")
        await page.fill("#copies", "2")
        await page.click("text=Show price")
        assert "€0.20" in await opened.text("#figure")
        await page.click("#release")
        assert "on its way" in await opened.text()
        await page.goto(f"{_panel(north).address}jobs/{other}/delete")
        await page.click("button.danger")
        assert "Wrong.pdf is deleted" in await opened.text()
    assert (await north.job("Plain.pdf", "settled"))["billed"] == 4
    assert (await north.job("Wrong.pdf"))["phase"] == "canceled"


async def test_operator_sees_to_other_peoples_jobs(north: Site, screen: Watched) -> None:
    """An operator finds and releases Ana's job; Ana pays, and has no such list herself."""
    job = await _print(north, "Stuck.pdf", ANA)
    await _card(north, screen, OLA)
    await screen.page.goto(f"{_panel(north).address}jobs?of=*")
    assert "Stuck.pdf" in await screen.text()
    assert "ana" in await screen.text()
    await screen.page.click(f"[action$='/jobs/{job}/release'] button")
    done = await north.job("Stuck.pdf", "settled")
    assert (done["acting"], done["user"]) == ("operator", "ana")
    await _sign_off(screen)
    await _card(north, screen, ANA)
    await screen.page.goto(f"{_panel(north).address}jobs?of=ben")
    assert "These are not your jobs" in await screen.text()


async def test_cut_off_and_short_of_money(north: Site, screen: Watched) -> None:
    """Without the centre the panel says so, releases what is paid for here, and takes a code."""
    dear = await _print(north, "Dear.pdf", BEN, pages=4)
    north.line.cut()
    try:
        await screen.page.wait_for_selector(".site.alone")
        await north.lab.central("topup", "user:ben", "0.50")
        code = (await north.lab.central("code", "ben", "north", "0.50", "--json"))["code"]
        await _card(north, screen, BEN)
        assert "Dear.pdf" in await screen.text()
        assert "0,10" in await screen.text(f"#job-{dear} .why")  # so much is missing
        assert not await screen.page.locator(f"[action$='/jobs/{dear}/release'] button").count()
        await screen.page.goto(f"{_panel(north).address}balance")
        await screen.page.fill("#code", code)
        await screen.page.click("form[action$='/code'] button.main")
        await screen.page.wait_for_selector(".notice.good")
        assert "0,50" in await screen.text()
        await screen.page.goto(f"{_panel(north).address}jobs")
        await screen.page.click(f"[action$='/jobs/{dear}/release'] button")
        done = await north.job("Dear.pdf", "settled")
        assert done["charged"][0]["micros"] == 200_000
    finally:
        north.line.restore()
        await north.until_linked()


async def test_copies_are_counted_before_ones_eyes(north: Site, screen: Watched) -> None:
    """The copier is let, each page is shown and charged, and it stops at the button."""
    panel = _panel(north)
    await _card(north, screen, ANA)
    await screen.page.click("a[href$='/copy']")
    await screen.page.click("#copy-begin")
    await screen.page.wait_for_selector("#copy-stop")
    assert await panel.copier.until(enabled=True, seconds=10)
    made = await panel.copier.copies(3, seconds=20)
    assert made == 3
    await screen.page.wait_for_selector("dd:text-is('3')")
    await screen.page.click("#copy-stop")
    assert await panel.copier.until(enabled=False, seconds=10)
    await screen.page.wait_for_selector("text=You made 3 copies for €0.15.")
    copies = [row for row in await north.jobs() if row["service"] == "copy"]
    assert [row["billed"] for row in copies] == [3]


async def test_forms_of_others_do_nothing(north: Site, screen: Watched, phone: Watched) -> None:
    """Another site's page, a guessed token, another's job, too much: refused, and nothing done."""
    job = await _print(north, "Mine.pdf", ANA)
    await _card(north, screen, ANA)
    panel, release = _panel(north), f"jobs/{job}/release"
    token = await screen.page.get_attribute("body", "data-token")
    assert token is not None
    send = screen.page.request.post
    tries: tuple[tuple[dict[str, str | float | bool], dict[str, str]], ...] = (
        ({"token": token}, {"origin": "http://elsewhere.test"}),
        ({"token": token}, {"sec-fetch-site": "cross-site"}),
        ({"token": "0" * 32}, {}),
        ({}, {}),
    )
    for form, headers in tries:
        answer = await send(panel.address + release, form=form, headers=headers)
        assert answer.status == 403
    much = await send(panel.address + release, form={"token": token, "pages": "1," * 20_000})
    assert much.status == 413
    await _pin(phone, "ben")
    theirs = await phone.page.get_attribute("body", "data-token")
    await phone.page.request.post(_panel(north).address + release, form={"token": str(theirs)})
    await phone.page.goto(f"{_panel(north).address}jobs/{job}")
    assert "Mine.pdf" not in await phone.text()
    picture = await phone.page.request.get(f"{_panel(north).address}jobs/{job}/page-1.png")
    assert picture.status == 404
    for path in ("jobs/../../etc/passwd", "jobs/%2e%2e/x", f"jobs/{job}/page-0.png", "nothing"):
        assert (await phone.page.request.get(_panel(north).address + path)).status == 404
    assert (await north.job("Mine.pdf"))["phase"] == "held"


async def test_a_name_is_text_and_never_markup(north: Site, screen: Watched) -> None:
    """HTML in a document's name is shown as it is, and runs nothing."""
    name = "<img src=x onerror=document.title='owned'>.pdf"
    await _print(north, name, ANA)
    await _card(north, screen, ANA)
    assert name in await screen.text()
    assert "owned" not in await screen.page.title()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out(
    north: Site, chromium: Browser, paired: StorageState, scheme: str, tmp_path: Path
) -> None:
    """No page has a serious hindrance by axe's rules, scrolls sideways, or weighs above 60 KB."""
    job = await _print(north, f"Report {scheme}.pdf", ANA, pages=12, colour=2)
    async with window(chromium, storage_state=paired, color_scheme=scheme) as opened:
        loaded: list[Request] = []
        opened.page.on("requestfinished", lambda request: loaded.append(request))  # noqa: PLW0108  Playwright marks its listeners
        address = _panel(north).address
        await opened.page.goto(address)
        assert await opened.hindrances() == []
        sizes = [await request.sizes() for request in tuple(loaded)]
        assert 1_000 < sum(each["responseBodySize"] for each in sizes) < 60_000
        await _card(north, opened, ANA)
        for path in (
            "jobs",
            f"jobs/{job}",
            f"jobs/{job}/delete",
            "balance",
            "copy",
            "card",
            "pair",
        ):
            await opened.page.goto(address + path)
            assert await opened.hindrances(again=True) == [], path
            wide = await opened.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 800, path
            await opened.page.screenshot(path=tmp_path / f"{path.rpartition('/')[2]}.png")
        await _sign_off(opened)


async def test_the_centre_knows_which_terminals_are_on_line(north: Site) -> None:
    """The panel is told of by its edge, all the way into the books."""

    def known() -> bool:
        with desk(north.lab.root / "central.toml") as at, at.books.read() as tx:
            told = site_terminals.at(tx, "north")
        return told is not None and any(each.online for each in told.terminals)

    await north.lab.until(known, "the centre to know the panel")
