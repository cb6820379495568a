"""Pages of people: found, shown, entered, changed and let in, by who may and nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from central.store import cards, directory, person, secrets
from config.settings_directory_services import GuestSettings
from tests.integration.pages_lab import PERSON, browser, enter, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")

HOSTILE = "<script>alert(1)</script>"


def row_of(lab: Lab, name: str) -> UserRow:
    """Return a person as the directory has them."""
    with lab.books.read() as tx:
        return UserRow.model_validate(directory.get(tx, "user", name))


async def test_people_are_found_as_one_types_and_without_a_script(tmp_path: Path) -> None:
    """By the beginning of a name, in a part of a page and in the list; oddities harm nothing."""
    lab = open_lab(tmp_path)
    enter(lab.books, "bob", display=HOSTILE, groups=("staff",))
    async with signed_in(lab, "olga") as olga:
        await olga.get("/people")
        assert "6 people are known to your sites." in olga.text()
        assert HOSTILE not in olga.page
        assert "Enter a person" not in olga.text()
        part = await olga.client.get("/people/:find", params={"q": "an"})
        assert 'href="/people/ana"' in part.text
        assert "<html" not in part.text
        await olga.get("/people?q=ana&state=enabled")
        assert "1 person matches." in olga.text()
        await olga.get("/people?group=staff")
        assert "/people/bob" in olga.page
        first = await olga.get("/people?n=25&after=%00bad&source=nowhere&state=x&q=%25%27")
        assert first.status_code == 200
        file = await olga.client.get("/people?as=csv")
        assert file.status_code == 200
        assert "ana" in file.text
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get("/people")).status_code == 403
        assert (await ana.get("/people/:find?q=o")).status_code == 403


async def test_a_person_is_shown_with_what_they_have(tmp_path: Path) -> None:
    """Money, cards and jobs to the desk; what was done to who may see it."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "olga") as olga:
        assert (await olga.get("/people/ana")).status_code == 200
        assert "Ana has €4.20 to print with." in olga.text()
        assert "What was done" not in olga.text()
        assert "/people/ana/change" not in olga.page
        for nobody in ("nobody", "%00", "a" * 300, "<b>"):
            assert (await olga.get(f"/people/{nobody}")).status_code == 404
    async with signed_in(lab, "axel") as axel:
        await axel.get("/people/ana")
        assert "What was done" in axel.text()
        assert "Give them a card" not in axel.text()


async def test_a_person_is_entered_and_changed(tmp_path: Path) -> None:
    """What is mistyped is said beside its field; what was typed is kept."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/people/:add")
        for name, email in (("", ""), ("a b", ""), ("zoe", "no address"), ("ana", "")):
            answer = await ada.post("/people/:add", name=name, email=email, display="Zoë")
            assert answer.status_code == 422, name
            assert "Zoë" in answer.text
        answer = await ada.post(
            "/people/:add",
            name="Zoe",
            display="Zoë",
            groups="staff\nstaff, lab",
            email="z@b.example",
        )
        assert answer.headers["location"] == "/people/zoe"
        assert row_of(lab, "zoe").groups == ("staff", "lab")
        address = "/people/zoe/change"
        await ada.get(address)
        assert (await ada.post(address, display="Z", until="2001-01-01")).status_code == 422
        assert (await ada.post(address, display="Z", until="x")).status_code == 422
        assert (await ada.post(address, display="Z", delegates="nobody")).status_code == 422
        assert row_of(lab, "zoe").display == "Zoë"
        answer = await ada.post(
            address,
            display="Zoë B",
            department="Physics",
            groups="lab",
            delegates="ana",
            operates="north",
            until="2099-12-31",
            language="fr",
        )
        assert answer.status_code == 303
        row = row_of(lab, "zoe")
        assert (row.display, row.groups, row.delegates, row.operates, row.language) == (
            "Zoë B", ("lab",), ("ana",), ("north",), "fr",
        )  # fmt: skip
        await ada.get(address)
        assert 'value="2099-12-31"' in ada.page
        # sent again as it is, nothing of it is another
        await ada.post(
            address,
            display="Zoë B",
            department="Physics",
            groups="lab",
            delegates="ana",
            operates="north",
            until="2099-12-31",
            language="fr",
        )
        await ada.get("/people/zoe")
        assert "Nothing is another than before." in ada.text()


async def test_a_person_is_disabled_enabled_renamed_and_taken_out(tmp_path: Path) -> None:
    """Each says first what it comes to; nobody does it to themselves."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/people/ana/disable")
        assert "They keep €4.20; nothing is booked." in ada.text()
        await ada.post("/people/ana/disable")
        assert not row_of(lab, "ana").enabled
        await ada.get("/people/ana")
        assert "Ana is disabled" in ada.text()
        await ada.post("/people/ana/enable")
        assert row_of(lab, "ana").enabled
        await ada.get("/people/ana/rename")
        for wrong in ("", "a b", "olga"):
            assert (await ada.post("/people/ana/rename", name=wrong)).status_code == 422
        answer = await ada.post("/people/ana/rename", name="Anna")
        assert answer.headers["location"] == "/people/anna"
        await ada.get("/people/anna/remove")
        assert "nobody can spend it" in ada.text()
        await ada.post("/people/anna/remove", typed="ana")
        assert row_of(lab, "anna").enabled
        await ada.post("/people/anna/remove", typed="anna")
        with lab.books.read() as tx:
            assert directory.get(tx, "user", "anna") is None
        await ada.get("/people/ada")
        for act in ("disable", "remove", "rename", "enable"):
            assert (await ada.post(f"/people/ada/{act}", typed="ada", name="x")).status_code == 404
    assert row_of(lab, "ada").enabled


async def test_the_desk_lets_people_in(tmp_path: Path) -> None:
    """Cards given, blocked, found; a PIN by chance is shown once; a password ends sessions."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "olga") as olga, signed_in(lab, PERSON) as ana:
        await olga.get("/people/ana")
        await olga.post("/people/ana/cards", number="04 A1 B2 C3")
        await olga.post("/people/ana/cards", number="")
        with lab.books.read() as tx:
            (card,) = cards.every(tx, "ana")
        await olga.get(f"/people/ana/cards/{card.key}/block")
        assert f"Block the card {card.shown}?" in olga.text()
        await olga.post(f"/people/ana/cards/{card.key}/block")
        with lab.books.read() as tx:
            assert cards.every(tx, "ana")[0].row.blocked
        await olga.post(f"/people/ana/cards/{card.key}/unblock")
        assert (await olga.post(f"/people/sam/cards/{card.key}/unblock")).status_code == 403
        assert (await olga.post("/people/ana/cards/xyz/block")).status_code == 404
        with lab.books.read() as tx:
            assert not cards.every(tx, "ana")[0].row.blocked
        await olga.get("/people/ana/pin")
        assert (await olga.post("/people/ana/pin", pin="1234")).status_code == 422
        made = await olga.post("/people/ana/pin", do="make")
        shown = re.search(r"<code>(\d{6})</code>", made.text)
        assert shown is not None
        assert secrets.matches(row_of(lab, "ana").pin, shown[1])
        await olga.post("/people/ana/pin", do="clear")
        assert row_of(lab, "ana").pin == ""
        await olga.get("/people/ana/password")
        assert (await olga.post("/people/ana/password", password="short")).status_code == 422
        assert (await ana.get("/me")).status_code == 200
        await olga.post("/people/ana/password", password="a long one, not guessed")
        assert (await ana.get("/me")).status_code == 303


async def test_the_desk_makes_nobody_an_administrator(tmp_path: Path) -> None:
    """An operator sets no password of staff, and ends none of their sessions."""
    lab = open_lab(tmp_path)
    before = row_of(lab, "ada").password
    async with signed_in(lab, "ada") as ada, signed_in(lab, "olga") as olga:
        await olga.get("/people/ada")
        assert "Another password" not in olga.text()
        await olga.get("/people/ana")
        assert (await olga.post("/people/ada/password", password="a long one!!")).status_code == 403
        assert (await olga.post("/people/ada/pin", do="make")).status_code == 403
        assert (await olga.post("/people/ada/cards", number="123456")).status_code == 403
        assert (await olga.post("/people/ada/sign-off")).status_code == 403
        assert (await olga.post("/people/ana/factor")).status_code == 403
        assert row_of(lab, "ada").password == before
        # one's own is changed where the old one is asked for
        await ada.get("/people/ada")
        own = await ada.post("/people/ada/password", password="a long one, not guessed")
        assert own.headers["location"] == "/me/security"
        assert row_of(lab, "ada").password == before
        async with signed_in(lab, "sam") as sam:
            await ada.get("/people/sam")
            await ada.post("/people/sam/factor")
            assert (await sam.get("/people")).status_code == 303
    async with signed_in(lab, "axel") as axel:
        await axel.get("/people/ana")
        for act in ("cards", "pin", "sign-off", "disable", "change", "remove"):
            assert (await axel.post(f"/people/ana/{act}")).status_code == 403


async def test_a_browser_left_open_is_signed_off(tmp_path: Path) -> None:
    """The desk ends somebody's sessions; nobody does without the page's own form."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "olga") as olga, signed_in(lab, PERSON) as ana:
        await olga.get("/people/ana")
        other = await olga.send("/people/ana/sign-off", {"origin": "https://elsewhere.example"})
        assert other.status_code == 403
        assert (await ana.get("/me")).status_code == 200
        await olga.get("/people/ana")
        await olga.post("/people/ana/sign-off")
        assert (await ana.get("/me")).status_code == 303
    async with browser(lab) as nobody:
        assert (await nobody.get("/people/ana")).headers["location"].startswith("/sign-in")


async def test_guests_come_where_they_are_allowed(tmp_path: Path) -> None:
    """For a time, with a PIN that is shown once; nowhere else is there such a page."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "olga") as olga:
        assert (await olga.get("/people/:guest")).status_code == 404
        await olga.get("/people")
        allowed = GuestSettings(enabled=True)
        lab.centre.settings = lab.centre.settings.model_copy(update={"guests": allowed})
        await olga.get("/people/:guest")
        for until in ("", "x", "2001-01-01", "2999-01-01"):
            assert (await olga.post("/people/:guest", until=until)).status_code == 422
        last = (lab.clock.now + timedelta(days=2)).date().isoformat()
        made = await olga.post("/people/:guest", until=last, display="<i>Visitor")
        found = re.findall(r"<code>([^<]+)</code>", made.text)
        assert "<i>Visitor" not in made.text
        row = row_of(lab, found[0])
        assert secrets.matches(row.pin, found[1])
        with lab.books.read() as tx:
            known = person.find(tx, row.name)
        assert known is not None
        assert (known.about.source, known.about.sponsor) == ("guest", "olga")
        assert known.about.expires_at is not None
