"""What people try at the centre's pages who should not be there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyotp
import pytest

from broker.directory import UserRow
from central.acts import people
from central.acts import staff as staff_acts
from central.acts.by import By
from central.rights import Role
from central.store import audit, directory, second_factors, secrets, staff, web_sessions
from central.web.pages.proving import Passwords
from tests.integration.pages_lab import (
    ADDRESS,
    PASSWORD,
    PERSON,
    PHC,
    browser,
    enter,
    open_lab,
    signed_in,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("what is tried here is about pages, not about SQL")
OWN = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}


class Counted(Passwords):
    """Checks that cost nothing, counted."""

    def __init__(self) -> None:
        super().__init__(lambda phc, secret: phc == PHC and secret == PASSWORD)


def kept_in(path: Path) -> bytes:
    """Return all that the files of the books have in them."""
    return b"".join(each.read_bytes() for each in path.rglob("*") if each.is_file())


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
async def test_a_form_of_another_page_changes_nothing(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    """Even with the right token, what another page sends is not done."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana, signed_in(lab, PERSON):
        await ana.get("/me/security")
        answer = await ana.send("/me/security/end-others", headers)
        assert answer.status_code == 403
        with lab.books.read() as tx:
            assert len(web_sessions.of_user(tx, PERSON)) == 2


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_a_form_without_our_token_changes_nothing(tmp_path: Path, token: str) -> None:
    """A form shows that it stood on a page of this session."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana, browser(lab) as other:
        await ana.get("/me/security")
        await other.get("/sign-in")
        for wrong in (token, other.token):
            answer = await ana.client.post("/sign-off", data={"token": wrong}, headers=OWN)
            assert answer.status_code == 403
        assert (await ana.get("/me")).status_code == 200


async def test_a_cookie_that_was_planted_is_nobodys(tmp_path: Path) -> None:
    """Signing in takes another cookie: whoever planted the one before has nothing (fixation)."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ana, browser(lab) as thief:
        planted = "p" * 43
        ana.client.cookies.set("printmesh", planted, domain="127.0.0.1")
        await ana.sign_in(lab, PERSON)
        assert ana.cookie != planted
        thief.client.cookies.set("printmesh", planted, domain="127.0.0.1")
        assert (await thief.get("/me")).headers["location"].startswith("/sign-in")


async def test_the_second_factor_changes_the_cookie(tmp_path: Path) -> None:
    """A cookie that was seen half-way has none of the rights that come with the code."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ada, browser(lab) as thief:
        await ada.get("/sign-in")
        await ada.post("/sign-in", name="ada", password=PASSWORD)
        half_way = ada.client.cookies["printmesh"]
        await ada.get("/second")
        await ada.prove(lab, "ada")
        assert (await ada.get("/")).status_code == 200
        thief.client.cookies.set("printmesh", half_way, domain="127.0.0.1")
        assert (await thief.get("/")).headers["location"].startswith("/sign-in")


async def test_a_stolen_cookie_is_worth_nothing_after_signing_off(tmp_path: Path) -> None:
    """The session ends in the books, not in the browser alone."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana, browser(lab) as thief:
        thief.client.cookies.set("printmesh", ana.cookie, domain="127.0.0.1")
        assert (await thief.get("/me")).status_code == 200
        await ana.get("/me")
        await ana.post("/sign-off")
        assert (await thief.get("/me")).headers["location"].startswith("/sign-in")


async def test_nobody_learns_who_there_is(tmp_path: Path) -> None:
    """Known or not, disabled or without a password: the same words and the same work."""
    passwords = Counted()
    lab = open_lab(tmp_path, passwords=passwords)
    enter(lab.books, "gone", enabled=False)
    enter(lab.books, "bare", password="")
    said = set()
    for name in (PERSON, "nobody-at-all", "gone", "bare"):
        async with browser(lab) as stranger:
            before = passwords.checks
            await stranger.get("/sign-in")
            answer = await stranger.post("/sign-in", name=name, password="wrong password")
            assert passwords.checks == before + 1
            page = re.sub(r'(name="token" value|id="f-name".*? value)="[^"]*"', "", answer.text)
            said.add((answer.status_code, page))
    assert len(said) == 1


async def test_the_right_password_of_somebody_disabled_says_the_same(tmp_path: Path) -> None:
    """Whoever is disabled is told nothing that a stranger is not."""
    lab = open_lab(tmp_path, passwords=Counted())
    enter(lab.books, "gone", enabled=False)
    async with browser(lab) as gone:
        answer = await gone.sign_in(lab, "gone")
        assert answer.status_code == 403
        assert "do not belong together" in gone.text()


async def test_guessing_is_slowed_down_and_restarts_do_not_help(tmp_path: Path) -> None:
    """After some wrong tries nothing is even checked, also when the centre was started again."""
    passwords = Counted()
    lab = open_lab(tmp_path, passwords=passwords)
    async with browser(lab) as stranger:
        await stranger.get("/sign-in")
        for _ in range(5):
            await stranger.post("/sign-in", name=PERSON, password="wrong password")
        then = lab.clock.now
        lab.books.close()
        lab = open_lab(tmp_path, passwords=passwords)
        lab.clock.now = then
    async with browser(lab) as stranger:
        await stranger.get("/sign-in")
        before = passwords.checks
        answer = await stranger.post("/sign-in", name=PERSON, password=PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert passwords.checks == before
        lab.later(seconds=3)
        answer = await stranger.post("/sign-in", name=PERSON, password=PASSWORD)
        assert answer.status_code == 303
    lab.books.close()


async def test_names_that_were_typed_are_not_kept(tmp_path: Path) -> None:
    """A password that was typed as a name by mistake stands nowhere in the books."""
    lab = open_lab(tmp_path, passwords=Counted())
    async with browser(lab) as ana:
        await ana.get("/sign-in")
        await ana.post("/sign-in", name="my-Secret-passphrase", password="x")
    lab.books.close()
    assert b"my-secret-passphrase" not in kept_in(tmp_path).lower()


@pytest.mark.parametrize("how", ["disabled", "removed", "password"])
async def test_sessions_end_with_their_person(tmp_path: Path, how: str) -> None:
    """Whoever is disabled, removed or gets another password is out at once, everywhere."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get("/me")).status_code == 200
        match how:
            case "disabled":
                enter(lab.books, PERSON, enabled=False)
            case "password":
                enter(lab.books, PERSON, password=secrets.hashed("another one, longer"))
            case _:
                with lab.books.write() as tx:
                    directory.remove(tx, "user", PERSON)
        assert (await ana.get("/me")).headers["location"].startswith("/sign-in")
        with lab.books.read() as tx:
            assert web_sessions.of_user(tx, PERSON) == []


async def test_whoever_becomes_staff_shows_the_second_factor_first(tmp_path: Path) -> None:
    """A session of a person does not become one of an administrator by itself."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana:
        with lab.books.write() as tx:
            staff_acts.give(tx, By("cli:test"), PERSON, Role.ADMINISTRATOR, ("*",))
        assert (await ana.get("/")).headers["location"] == "/second"
        before = ana.cookie
        await ana.get("/second")
        await ana.post("/second/begin")
        await ana.get("/second")
        await ana.prove(lab, PERSON)
        assert ana.cookie != before
        assert (await ana.get("/")).status_code == 200
        with lab.books.write() as tx:
            staff.remove(tx, PERSON)
        assert (await ana.get("/")).headers["location"] == "/me"


async def test_a_namesake_inherits_nothing(tmp_path: Path) -> None:
    """Whoever is entered under the name of somebody who left has none of their roles."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "axel") as axel:
        with lab.books.write() as tx:
            assert isinstance(people.rename(tx, By("cli:test"), "axel", "xavier"), UserRow)
        assert (await axel.get("/")).status_code == 200
        with lab.books.write() as tx:
            assert isinstance(people.remove(tx, By("cli:test"), "xavier"), people.Gone)
        enter(lab.books, "xavier")
        assert (await axel.get("/")).headers["location"].startswith("/sign-in")
    with lab.books.read() as tx:
        assert not staff.grants(tx, "xavier")
        assert not staff.grants(tx, "axel")


async def test_staff_is_signed_off_after_a_while(tmp_path: Path) -> None:
    """Half an hour without a page, or half a day in any case."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        for _ in range(3):
            lab.later(minutes=29)
            assert (await ada.get("/")).status_code == 200
        lab.later(minutes=31)
        assert (await ada.get("/")).headers["location"].startswith("/sign-in")
        await ada.get("/sign-in")
        assert "nothing happened for a while" in ada.text()


async def test_a_code_is_good_once_and_guessing_codes_is_slow(tmp_path: Path) -> None:
    """Whoever has the password and saw a code has neither a second try nor thousands of them."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada"):
        pass
    code = pyotp.TOTP(lab.secrets["ada"]).at(lab.clock.now)
    async with browser(lab) as thief:
        await thief.get("/sign-in")
        await thief.post("/sign-in", name="ada", password=PASSWORD)
        await thief.get("/second")
        answer = await thief.post("/second", code=code)
        assert answer.status_code == 403
        for guess in range(4):
            answer = await thief.post("/second", code=f"{guess:06}")
        answer = await thief.post("/second", code="000009")
        assert answer.status_code == 429


async def test_a_recovery_code_lets_in_once(tmp_path: Path) -> None:
    """Who lost the phone gets in, and whoever finds the used code does not."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ada:
        await ada.sign_in(lab, "ada")
        code = re.findall(r"<code>([a-z2-7-]{19})</code>", ada.page)[0]
    for status in (303, 403):
        async with browser(lab) as again:
            await again.get("/sign-in")
            await again.post("/sign-in", name="ada", password=PASSWORD)
            await again.get("/second")
            answer = await again.post("/second", code=code.upper())
            assert answer.status_code == status
    with lab.books.read() as tx:
        assert second_factors.recovery_left(tx, "ada") == 9
        acts = [each.act for each in audit.acts(tx, target="person:ada")]
    assert acts.count("recovery code used") == 1


async def test_another_secret_of_the_centre_opens_nothing(tmp_path: Path) -> None:
    """With the key exchanged the password alone is not enough: a recovery code or a reset is."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada"):
        pass
    lab.books.close()
    lab = open_lab(tmp_path, secret="quite another secret")
    async with browser(lab) as ada:
        await ada.get("/sign-in")
        await ada.post("/sign-in", name="ada", password=PASSWORD)
        await ada.get("/second")
        assert "cannot be read here any more" in ada.text()
        await ada.post("/second/begin")
        await ada.get("/second")
        assert "otpauth" not in ada.page
        assert not re.search(r"[A-Z2-7]{4} [A-Z2-7]{4}", ada.text())
    lab.books.close()


async def test_a_strangers_name_reaches_nothing(tmp_path: Path) -> None:
    """A name that leads here and is not ours is not answered, with no cookie (DNS rebinding)."""
    lab = open_lab(tmp_path)
    async with browser(lab, "http://evil.example:8090") as stranger:
        for path in ("/sign-in", "/static/centre.css", "/api/v1/health"):
            answer = await stranger.get(path)
            assert answer.status_code == 421
            assert "set-cookie" not in answer.headers


async def test_cookies_are_hidden_from_scripts_and_neighbours(tmp_path: Path) -> None:
    """Over TLS the cookie is ours alone; no page may be kept, framed, or read from elsewhere."""
    lab = open_lab(tmp_path, address="https://print.example.org", trusted_proxies=["127.0.0.1/32"])
    async with browser(lab, "https://print.example.org") as ana:
        answer = await ana.get("/sign-in")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-printmesh=")
        for said in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert said in cookie
        assert "omain" not in cookie
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_one_does_not_end_the_sessions_of_others(tmp_path: Path) -> None:
    """A number of somebody else's session ends nothing."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana, signed_in(lab, "ada") as ada:
        with lab.books.read() as tx:
            theirs = web_sessions.of_user(tx, "ada")[0].n
        await ana.get("/me/security")
        await ana.post("/me/security/end", n=str(theirs))
        assert (await ada.get("/")).status_code == 200


async def test_changing_the_password_signs_off_everywhere_else(tmp_path: Path) -> None:
    """The session it was changed in goes on under another cookie; all others are over."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana, signed_in(lab, PERSON) as other:
        await ana.get("/me/security")
        before = ana.cookie
        new = "another one, longer"
        answer = await ana.post("/me/password", old="wrong", password=new, again=new)
        assert answer.status_code == 422
        answer = await ana.post("/me/password", old=PASSWORD, password=new, again=new)
        assert answer.status_code == 303
        assert ana.cookie != before
        assert (await ana.get("/me")).status_code == 200
        assert (await other.get("/me")).headers["location"].startswith("/sign-in")
        async with browser(lab) as again:
            assert (await again.sign_in(lab, PERSON, new)).status_code == 303


async def test_a_form_that_never_ends_is_not_read(tmp_path: Path) -> None:
    """More than a page asks for is refused before it is kept."""
    lab = open_lab(tmp_path)
    async with browser(lab) as stranger:
        await stranger.get("/sign-in")
        answer = await stranger.post("/sign-in", name="a" * 100_000, password="x")
        assert answer.status_code == 413
