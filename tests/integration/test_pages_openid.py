"""Signing in by a provider of OpenID Connect: who comes in, and every lie that does not help."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from broker.directory import UserRow
from central.acts import people
from central.acts.by import By
from central.store import directory, openid, person
from central.web.app import make_site
from central.web.pages.centre import Centre
from tests.integration.openid_lab import OTHER, Fake, be_sent, go_there, provider, query_of
from tests.integration.pages_lab import ADDRESS, PASSWORD, Lab, browser, enter, open_lab, signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.pages_lab import Browser

pytestmark = pytest.mark.sqlite_only("what a provider says is no question of SQL")

ANA = {"sub": "4711", "preferred_username": "Ana", "name": "Ana There", "email": "ana@there.org"}


@asynccontextmanager
async def school(path: Path, **given: Any) -> AsyncIterator[tuple[Lab, Fake]]:  # noqa: ANN401
    """Open a lab whose people sign in by a provider that runs; Ana is signed in there."""
    lab = open_lab(path)

    def now() -> float:
        return lab.clock.now.timestamp()

    async with provider(now) as fake:
        fake.person = dict(ANA)
        trust(lab, fake, **given)
        yield lab, fake


def trust(lab: Lab, fake: Fake, **given: Any) -> None:  # noqa: ANN401  settings are anything
    """Have the lab trust a provider; it knows nothing of it yet."""
    web = lab.centre.settings.web.model_copy(update={"oidc": fake.settings(**given)})
    settings = lab.centre.settings.model_copy(update={"web": web})
    lab.centre = Centre.of(settings, lab.books, clock=lab.clock)
    lab.app = make_site(lab.centre)


async def refused(lab: Lab, visitor: Browser, path: str, status: int = 403) -> str:
    """Bring an answer back that helps nobody; return what is said."""
    answer = await visitor.client.get(path)
    assert answer.status_code == status, answer.text
    visitor.page = answer.text
    assert (await visitor.client.get("/me")).headers["location"].startswith("/sign-in")
    return visitor.text()


async def test_who_is_known_comes_in(tmp_path: Path) -> None:
    """There and back: the code is shown with its proof, and the browser gets another name."""
    async with school(tmp_path) as (lab, fake), browser(lab) as ana:
        await ana.get("/sign-in?next=/me/jobs")
        assert 'href="/sign-in/oidc?next=%2Fme%2Fjobs"' in ana.page
        assert "Sign in by Example School" in ana.text()
        before = ana.cookie
        path = await go_there(ana, "/sign-in/oidc?next=/me/jobs")
        asked = fake.asked[0]
        assert asked["tenant"] == "1"
        assert asked["redirect_uri"] == f"{ADDRESS}/sign-in/oidc/back"
        assert asked["scope"] == "openid profile email"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        answer = await ana.get(path)
        assert answer.headers["location"] == "/me/jobs"
        assert ana.cookie != before
        assert (await ana.get("/me")).status_code == 200
        with lab.books.read() as tx:
            assert openid.user_of(tx, fake.issuer, "4711") == "ana"
            known = person.find(tx, "ana")
        assert known is not None
        assert known.last_seen is not None
        # what it tells of itself is not asked for each time
        async with browser(lab) as again:
            assert (await again.get(await go_there(again))).headers["location"] == "/"
        assert fake.looked == 1


LIES: tuple[dict[str, object], ...] = (
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "somebody-else"},
    {"aud": ["printmesh", "somebody-else"]},  # of several, and not said who may show it
    {"azp": "somebody-else"},
    {"iss": "https://id.example.net"},
    {"exp": 1},
    {"exp": None},
    {"exp": "tomorrow"},
    {"iat": 32503680000},
    {"sub": None},
    {"sub": ""},
    {"sub": "x" * 256},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
)


async def test_a_token_that_is_not_for_this_opens_nothing(tmp_path: Path) -> None:
    """Signed well, and yet another's, for another, of another time: nobody is let in."""
    async with school(tmp_path) as (lab, fake):
        for lie in LIES:
            fake.spoil = lie
            async with browser(lab) as ana:
                await refused(lab, ana, await go_there(ana))
        fake.spoil = {}
        async with browser(lab) as ana:
            assert (await ana.get(await go_there(ana))).headers["location"] == "/"


async def test_a_signature_that_proves_nothing_opens_nothing(tmp_path: Path) -> None:
    """None at all, one made with the public key, another algorithm's, a stranger's."""
    async with school(tmp_path) as (lab, fake):
        for algorithm in ("none", "HS256", "RS384"):
            async with browser(lab) as ana:
                fake.algorithm = algorithm
                said = await refused(lab, ana, await go_there(ana))
                assert "could not be proven" in said
        async with browser(lab) as ana:
            fake.algorithm, fake.signs = "RS256", OTHER
            await refused(lab, ana, await go_there(ana))


async def test_a_new_key_is_asked_for_once(tmp_path: Path) -> None:
    """A provider that changes its keys goes on to work; names that nobody has cost little."""
    async with school(tmp_path) as (lab, fake):
        async with browser(lab) as ana:
            await ana.get(await go_there(ana))
        fake.keys, fake.signs = [OTHER], OTHER
        known = lab.centre.provider
        assert known is not None
        async with browser(lab) as ana:
            # the keys were asked for a moment ago
            await refused(lab, ana, await go_there(ana))
            assert known._known is not None
            known._known.keys_at -= 61
        async with browser(lab) as ana:
            assert (await ana.get(await go_there(ana))).headers["location"] == "/"


async def test_an_answer_is_good_once_and_in_its_own_browser(tmp_path: Path) -> None:
    """A code that was used, brought by another, or asked for too long ago opens nothing."""
    async with school(tmp_path) as (lab, fake):
        async with browser(lab) as ana:
            path = await go_there(ana)
            async with browser(lab) as thief:
                await thief.get("/sign-in")
                assert "begun in another window" in await refused(lab, thief, path)
                # even with what the browser kept, but not with its name
                way = ana.client.cookies.get("printmesh-way") or ""
                thief.client.cookies.set("printmesh-way", way)
                await refused(lab, thief, path)
                # and who is sent another's answer does not become them
                await go_there(thief)
                await refused(lab, thief, path)
            assert fake.tokens == 0
            kept = dict(ana.client.cookies)
            assert (await ana.get(path)).headers["location"] == "/"
        async with browser(lab) as ana:
            # all that the browser had before: the provider takes the code once
            for name, value in kept.items():
                ana.client.cookies.set(name, value)
            await refused(lab, ana, path)
            assert fake.tokens == 2
        async with browser(lab) as ana:
            path = await go_there(ana)
            lab.later(minutes=16)
            await refused(lab, ana, path)
        async with browser(lab) as ana:
            path = await go_there(ana)
            query = query_of(path)
            for wrong in ("", "x", query["state"][:-1]):
                await refused(lab, ana, f"/sign-in/oidc/back?code=x&state={wrong}")
                await go_there(ana)
        assert fake.tokens == 2


async def test_what_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """After signing in one stays here, whatever the address said."""
    async with school(tmp_path) as (lab, _):
        for evil in (
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "/" + "x" * 1500,
        ):
            async with browser(lab) as ana:
                answer = await ana.get("/sign-in/oidc", params={"next": evil})
                path = await be_sent(ana, answer.headers["location"])
                assert (await ana.get(path)).headers["location"] == "/", evil


async def test_a_provider_that_does_not_let_in_is_no_fault(tmp_path: Path) -> None:
    """Declined there, another's answer, silence: each says what to do, and reflects nothing."""
    async with school(tmp_path) as (lab, fake):
        async with browser(lab) as ana:
            query = query_of(await go_there(ana))
            more = "error=access_denied&error_description=%3Cb%3Eevil%3C/b%3E"
            said = await refused(lab, ana, f"/sign-in/oidc/back?state={query['state']}&{more}")
            assert "Example School did not let you in." in said
            assert "evil" not in said
            assert "again=1" in ana.page
        async with browser(lab) as ana:
            query = query_of(await go_there(ana))
            path = f"/sign-in/oidc/back?state={query['state']}&code={query['code']}"
            await refused(lab, ana, f"{path}&iss=https://id.example.net")
        async with browser(lab) as ana:
            path = await go_there(ana)
            fake.silent = True
            assert "does not answer" in await refused(lab, ana, path, 503)
        trust(lab, fake)
        async with browser(lab) as ana:
            assert "does not answer" in await refused(lab, ana, "/sign-in/oidc", 503)
            fake.silent, fake.says_issuer = False, "https://id.example.net"
            await refused(lab, ana, "/sign-in/oidc", 503)
            fake.says_issuer = None
            await ana.get(await go_there(ana))
            assert (await ana.get("/me")).status_code == 200


async def test_nobody_comes_in_whom_nobody_knows(tmp_path: Path) -> None:
    """A stranger, somebody disabled and a name that is none read the same sentence."""
    async with school(tmp_path) as (lab, fake):
        enter(lab.books, "dora", enabled=False)
        for named in ("nobody", "dora", "a b", "ana@there.org", ""):
            fake.person = {**ANA, "sub": named or "x", "preferred_username": named}
            async with browser(lab) as visitor:
                said = await refused(lab, visitor, await go_there(visitor))
                assert "knows you, but nobody of that name may print here" in said, named
        with lab.books.read() as tx:
            assert directory.get(tx, "user", "nobody") is None


async def test_whoever_is_new_is_entered_where_the_settings_let(tmp_path: Path) -> None:
    """With an empty account and the groups that it tells; those given here stay."""
    given = {"create": True, "groups_claim": "realm.roles", "groups": ["outside"]}
    async with school(tmp_path, domain="there.org", **given) as (lab, fake):
        fake.person = {
            **ANA,
            "sub": "4712",
            "preferred_username": "Bea@There.org",
            "name": "Bea",
            "realm": {"roles": ["staff", "x" * 200, 7]},
        }
        async with browser(lab) as bea:
            assert (await bea.get(await go_there(bea))).headers["location"] == "/"
            await bea.get("/me")
            assert "Bea" in bea.text()
        with lab.books.write() as tx:
            row = UserRow.model_validate(directory.get(tx, "user", "bea"))
            known = person.find(tx, "bea")
            assert (row.display, set(row.groups)) == ("Bea", {"staff", "outside"})
            assert row.accounts == ("user:bea",)
            assert known is not None
            assert (known.about.source, known.about.source_id) == ("oidc", "4712")
            wishes = people.Wishes(groups=("staff", "outside", "chess"))
            assert isinstance(people.change(tx, By("cli:test"), "bea", wishes), people.Changed)
        fake.person |= {"name": "Bea B", "realm": {"roles": ["teachers"]}}
        async with browser(lab) as bea:
            await bea.get(await go_there(bea))
        with lab.books.read() as tx:
            row = UserRow.model_validate(directory.get(tx, "user", "bea"))
        assert (row.display, set(row.groups)) == ("Bea B", {"teachers", "outside", "chess"})
        fake.person |= {"sub": "4713", "preferred_username": "carl@elsewhere.org"}
        async with browser(lab) as carl:
            await refused(lab, carl, await go_there(carl))


async def test_a_name_that_was_somebodys_is_not_anybodys(tmp_path: Path) -> None:
    """Known by what never changes: a new name is the same person, an old one is not the next's."""
    async with school(tmp_path) as (lab, fake):
        async with browser(lab) as ana:
            await ana.get(await go_there(ana))
        fake.person = {**ANA, "sub": "666"}
        async with browser(lab) as other:
            said = await refused(lab, other, await go_there(other))
            assert "Somebody else of that name" in said
        fake.person = {**ANA, "preferred_username": "ana-married"}
        async with browser(lab) as ana:
            await ana.get(await go_there(ana))
            await ana.get("/me/security")
            assert "Ana" in ana.text()
            # taken apart, their sessions end, and the name is free for whoever has it there
            async with signed_in(lab, "ada") as ada, signed_in(lab, "axel") as axel:
                await axel.get("/people/ana")
                assert (await axel.post("/people/ana/part")).status_code == 403
                await ada.get("/people/ana")
                assert "Example School It lets them in." in ada.text()
                for said in ("The two are taken apart", "It was so already."):
                    assert (await ada.post("/people/ana/part")).status_code == 303
                    await ada.get("/people/ana")
                    assert said in ada.text()
            assert (await ana.get("/me")).headers["location"].startswith("/sign-in")
        # renamed and removed here, it goes with them
        fake.person = dict(ANA)
        async with browser(lab) as ana:
            await ana.get(await go_there(ana))
        with lab.books.write() as tx:
            people.rename(tx, By("cli:test"), "ana", "anna")
            assert openid.user_of(tx, fake.issuer, "4711") == "anna"
            people.remove(tx, By("cli:test"), "anna")
            assert openid.user_of(tx, fake.issuer, "4711") is None


async def test_an_address_names_one_person_who_proved_it(tmp_path: Path) -> None:
    """Not verified there, of two people, or a guest's own word: nobody is meant."""
    async with school(tmp_path, match="email") as (lab, fake):
        by = By("cli:test")
        with lab.books.write() as tx:
            people.change(tx, by, "ana", people.Wishes(email="ana@there.org"))
        async with browser(lab) as ana:
            await refused(lab, ana, await go_there(ana))
        fake.person = {**ANA, "email_verified": True}
        # told by userinfo alone
        fake.lacks = frozenset({"email", "email_verified"})
        async with browser(lab) as ana:
            fake.userinfo_sub = "somebody-else"
            await refused(lab, ana, await go_there(ana))
            fake.userinfo_sub = None
            assert (await ana.get(await go_there(ana))).headers["location"] == "/"
        enter(lab.books, "bea")
        with lab.books.write() as tx:
            people.change(tx, by, "bea", people.Wishes(email="ana@there.org"))
        fake.person = {**fake.person, "sub": "another"}
        async with browser(lab) as ana:
            await refused(lab, ana, await go_there(ana))


async def test_roles_are_not_given_by_a_claim(tmp_path: Path) -> None:
    """Who has a role joins the two while signed in; then the second factor is still asked for."""
    async with school(tmp_path) as (lab, fake):
        fake.person = {**ANA, "sub": "1", "preferred_username": "ada"}
        async with browser(lab) as ada:
            said = await refused(lab, ada, await go_there(ada))
            assert "Your role is not opened by Example School alone." in said
            await ada.sign_in(lab, "ada")
            await ada.get("/me/security")
            answer = await ada.post("/me/security/join")
            assert answer.status_code == 200
            link = ada.page.partition('class="button main" href="')[2].partition('"')[0]
            path = await be_sent(ada, link.replace("&amp;", "&"))
            assert fake.asked[-1]["prompt"] == "login"
            assert (await ada.get(path)).headers["location"] == "/me/security"
            await ada.get("/me/security")
            assert "From now on Example School lets you in." in ada.text()
            assert "Example School lets you in." in ada.text()
        async with browser(lab) as ada:
            answer = await ada.get(await go_there(ada, "/sign-in/oidc?next=/staff"))
            assert answer.headers["location"] == "/second?next=%2Fstaff"
            assert (await ada.get("/staff")).headers["location"].startswith("/second")
            await ada.get("/second")
            await ada.prove(lab, "ada")
            assert (await ada.get("/staff")).status_code == 200
        # joined already: nobody else there, and nobody else here
        async with browser(lab) as olga:
            await olga.sign_in(lab, "olga")
            await olga.get("/me/security")
            await olga.post("/me/security/join")
            link = olga.page.partition('class="button main" href="')[2].partition('"')[0]
            await olga.get(await be_sent(olga, link.replace("&amp;", "&")))
            await olga.get("/me/security")
            assert "somebody else here" in olga.text()


@pytest.mark.parametrize(
    ("trusted", "amr", "where"),
    [
        (True, ["pwd", "mfa"], "/"),
        (True, ["pwd"], "/second"),
        (True, "mfa", None),  # no list: not what a provider says
        (False, ["pwd", "mfa"], "/second"),
    ],
)
async def test_two_factors_there_are_enough_where_that_is_trusted(
    tmp_path: Path, amr: object, where: str | None, *, trusted: bool
) -> None:
    """Its word that two factors were shown spares the authenticator, if the settings say so."""
    given = {"trust_mfa": trusted, "staff_by_claim": True}
    async with school(tmp_path, **given) as (lab, fake), browser(lab) as ada:
        fake.person = {**ANA, "preferred_username": "ada", "amr": amr}
        path = await go_there(ada)
        if where is None:
            await refused(lab, ada, path)
            return
        assert (await ada.get(path)).headers["location"] == where
        assert (await ada.get("/staff")).status_code == (200 if where == "/" else 303)


async def test_without_passwords_administrators_are_not_locked_out(tmp_path: Path) -> None:
    """`only`: a person's right password is as wrong as any, an administrator's opens."""
    async with school(tmp_path, only=True) as (lab, _), browser(lab) as visitor:
        await visitor.get("/sign-in")
        assert 'type="password"' not in visitor.page
        await visitor.get("/sign-in?with=password")
        assert 'type="password"' in visitor.page
        answer = await visitor.post("/sign-in", name="ana", password=PASSWORD)
        assert answer.status_code == 403
        right = visitor.text()
        answer = await visitor.post("/sign-in", name="ana", password="not the right one")
        assert (answer.status_code, visitor.text()) == (403, right)
        answer = await visitor.sign_in(lab, "ada")
        assert answer.status_code == 200
        assert (await visitor.get("/staff")).status_code == 200


async def test_signing_off_offers_to_do_it_there_too(tmp_path: Path) -> None:
    """Who came by it can end that as well; its page leads back here."""
    async with school(tmp_path) as (lab, fake), browser(lab) as ana:
        await ana.get(await go_there(ana))
        await ana.get("/me")
        answer = await ana.post("/sign-off")
        assert answer.headers["location"] == "/sign-in?left=1"
        await ana.get("/sign-in?left=1")
        assert f'href="{fake.issuer}/end?client_id=printmesh&amp;post_logout' in ana.page
        assert (await ana.get("/me")).headers["location"] == "/sign-in"
        await ana.sign_in(lab, "ana")
        await ana.get("/me")
        assert (await ana.post("/sign-off")).headers["location"] == "/sign-in"


async def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    """Nothing of it shows where the settings name none."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ana:
        await ana.get("/sign-in")
        assert "/sign-in/oidc" not in ana.page
        for path in ("/sign-in/oidc", "/sign-in/oidc/back?code=x&state=x", "/register"):
            assert (await ana.get(path)).status_code == 404
