"""Asking to be let in, in a browser: what a stranger learns, and what the desk sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from broker.directory import UserRow
from central.store import directory
from central.store import registrations as kept
from central.web.app import make_site
from central.web.pages.centre import Centre
from config.settings_directory_services import GuestSettings
from tests.integration.pages_lab import browser, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("what the books do of it has tests of its own")

CHOSEN: Final = "my own long password"
TYPED: Final = {
    "display": "Zoë <b>Blum</b>",
    "email": "zoe@example.org",
    "password": CHOSEN,
    "again": CHOSEN,
}


def open_house(path: Path) -> Lab:
    """Return a lab where people may ask to be let in."""
    lab = open_lab(path)
    guests = GuestSettings(enabled=True, ask=True)
    settings = lab.centre.settings.model_copy(update={"guests": guests})
    lab.centre = Centre.of(settings, lab.books, clock=lab.clock)
    lab.app = make_site(lab.centre)
    return lab


async def ask(visitor: Browser, **more: str) -> tuple[int, str, str]:
    """Ask to be let in; return the status, and name and code when there are."""
    await visitor.get("/register")
    answer = await visitor.post("/register", **(TYPED | more))
    codes = re.findall(r"<code>([^<]+)</code>", visitor.page)
    return (answer.status_code, *(reversed(codes) if len(codes) == 2 else ("", "")))


async def test_from_the_form_to_the_first_sign_in(tmp_path: Path) -> None:
    """Asked, shown at the desk, let in: then the password that they chose opens their pages."""
    lab = open_house(tmp_path)
    async with browser(lab) as zoe, signed_in(lab, "olga") as olga:
        await zoe.get("/sign-in")
        assert 'href="/register"' in zoe.page
        status, name, code = await ask(zoe)
        assert status == 200
        assert re.fullmatch(r"guest-\w{6}", name)
        assert re.fullmatch(r"\w{4}-\w{4}", code)
        assert (await zoe.sign_in(lab, name, CHOSEN)).status_code == 403
        await olga.get("/people/:guest")
        assert "/people/:asking" in olga.page
        await olga.get("/people/:asking")
        assert "1 person asks to be let in." in olga.text()
        assert "<b>Blum" not in olga.page
        assert code not in olga.page
        until = olga.page.partition('type="date" value="')[2].partition('"')[0]
        for wrong in ("", "bcdf-2345", code[:-1]):
            answer = await olga.post("/people/:asking", code=wrong, until=until)
            assert answer.status_code == 422
        for day in ("", "2020-01-01", "2999-01-01"):
            answer = await olga.post("/people/:asking", code=code, until=day)
            assert answer.status_code == 422
        answer = await olga.post("/people/:asking", code=code.upper(), until=until)
        assert answer.status_code == 200
        assert name in olga.text()
        await olga.get("/people/:asking")
        assert "Nobody asks to be let in." in olga.text()
        assert (await zoe.sign_in(lab, name, CHOSEN)).headers["location"] == "/"
        assert (await zoe.get("/me")).status_code == 200
    with lab.books.read() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", name))
    assert row.pin
    assert row.display == TYPED["display"]


async def test_what_is_typed_wrong_is_said_beside_it(tmp_path: Path) -> None:
    """Nothing is kept of it, and what was typed stays; never the password."""
    lab = open_house(tmp_path)
    async with browser(lab) as zoe:
        for wrong in (
            {"display": ""},
            {"email": "no address"},
            {"password": "short", "again": "short"},
            {"again": "not the same"},
        ):
            status, name, _ = await ask(zoe, **wrong)
            assert (status, name) == (422, ""), wrong
            assert CHOSEN not in zoe.page
            assert "error" in zoe.page
    with lab.books.read() as tx:
        assert kept.count(tx) == 0


async def test_asking_tells_nobody_which_names_there_are(tmp_path: Path) -> None:
    """Whatever name or address somebody writes, taken or not, the answer is the same."""
    lab = open_house(tmp_path)
    async with browser(lab) as stranger:
        for display, email in (("ana", "ana@example.org"), ("nobody", "x@example.net")):
            status, name, _ = await ask(stranger, display=display, email=email)
            assert status == 200
            assert name.startswith("guest-")
            said = stranger.text()
            assert "already" not in said


async def test_many_wishes_wait_longer_and_longer(tmp_path: Path) -> None:
    """From one address some are free; then each waits, also after a restart."""
    lab = open_house(tmp_path)
    async with browser(lab) as flood:
        statuses = [(await ask(flood))[0] for _ in range(22)]
    assert statuses[:20] == [200] * 20
    assert 429 in statuses[20:]
    again = open_house(tmp_path)
    again.clock.now = lab.clock.now
    async with browser(again) as flood:
        assert (await ask(flood))[0] == 429


async def test_only_the_desk_lets_in_and_turns_away(tmp_path: Path) -> None:
    """Neither a person nor an auditor; and where it is switched off there is no such page."""
    lab = open_house(tmp_path)
    async with browser(lab) as zoe:
        _, _, code = await ask(zoe)
    for name in ("ana", "axel"):
        async with signed_in(lab, name) as visitor:
            assert (await visitor.get("/people/:asking")).status_code == 403
            await visitor.get("/me")
            assert (await visitor.post("/people/:asking", code=code)).status_code == 403
            assert (await visitor.post("/people/:asking/away", n="1")).status_code == 403
    async with signed_in(lab, "olga") as olga:
        await olga.get("/people/:asking")
        for n in ("x", "-1", "9" * 30, "77"):
            assert (await olga.post("/people/:asking/away", n=n)).status_code == 303
        with lab.books.read() as tx:
            assert kept.count(tx) == 1
        n = olga.page.partition('name="n" value="')[2].partition('"')[0]
        await olga.post("/people/:asking/away", n=n)
        await olga.get("/people/:asking")
        assert "Their wish is forgotten." in olga.text()
        until = olga.page.partition('type="date" value="')[2].partition('"')[0]
        answer = await olga.post("/people/:asking", code=code, until=until)
        assert answer.status_code == 422
    (tmp_path / "plain").mkdir()
    plain = open_lab(tmp_path / "plain")
    async with browser(plain) as nobody:
        await nobody.get("/sign-in")
        assert "/register" not in nobody.page
        assert (await nobody.get("/register")).status_code == 404
        assert (await nobody.post("/register", **TYPED)).status_code == 404
