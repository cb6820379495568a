"""Signing in to the centre's pages: who comes in, who does not, and what a stranger learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.pages_lab import PASSWORD, PERSON, browser, open_lab

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_person_signs_in_and_sees_their_money(tmp_path: Path) -> None:
    """User name and password lead to one's own page, whose first sentence is the balance."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ana:
        assert (await ana.get("/me")).headers["location"] == "/sign-in"
        answer = await ana.sign_in(lab, PERSON)
        assert answer.status_code == 303, answer.text
        assert (await ana.get("/")).headers["location"] == "/me"
        assert (await ana.get("/me")).status_code == 200
        assert "You have €4.20 to print with." in ana.text()


async def test_an_administrator_sets_an_authenticator_up_first(tmp_path: Path) -> None:
    """The password alone opens nothing to whoever must have a second factor."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ada:
        await ada.get("/sign-in")
        answer = await ada.post("/sign-in", name="ada", password=PASSWORD)
        assert answer.headers["location"] == "/second"
        assert (await ada.get("/")).headers["location"] == "/second"
        assert (await ada.get("/me/security")).headers["location"].startswith("/second")
        await ada.get("/second")
        done = await ada.prove(lab, "ada")
        assert done.status_code == 200, done.text
        assert "Keep these codes" in ada.text()
        answer = await ada.get("/")
        assert answer.status_code == 200, answer.text
