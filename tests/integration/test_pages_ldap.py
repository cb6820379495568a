"""Pages before a real OpenLDAP: looked at, taken over, and signed in with the password there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from central.store import directory, people_sources
from central.web.app import make_site
from central.web.pages.centre import Centre
from tests.integration import ldap_lab
from tests.integration.ldap_lab import BASE, PASSWORD, person_ldif, service
from tests.integration.pages_lab import browser, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.ldap_lab import Service
    from tests.integration.pages_lab import Browser, Lab

pytestmark = [
    pytest.mark.sqlite_only("what a service says is no question of SQL"),
    pytest.mark.skipif(not ldap_lab.installed(), reason="slapd is not installed"),
    pytest.mark.timeout(60),
]

NAMES = ("lena", "marc", "nils", "olaf", "pia", "quin")


def with_service(path: Path, running: Service, **more: object) -> Lab:
    """Return a lab whose people come from a service."""
    lab = open_lab(path)
    services = (running.settings(sign_in=True, **more),)
    settings = lab.centre.settings.model_copy(update={"ldap": services})
    lab.centre = Centre.of(settings, lab.books, clock=lab.clock)
    lab.app = make_site(lab.centre)
    return lab


async def look(ada: Browser) -> str:
    """Press the button that looks what would change; return where that is shown."""
    await ada.get("/people/:sources")
    answer = await ada.post("/people/:sources/school")
    there: str = answer.headers["location"]
    await ada.get(there)
    return there


def mark_of(ada: Browser) -> str:
    """Return which plan the last page shows."""
    return ada.page.partition('name="plan" value="')[2].partition('"')[0]


def row_of(lab: Lab, name: str) -> UserRow | None:
    """Return a person as the directory has them, None when it has not."""
    with lab.books.read() as tx:
        row = directory.get(tx, "user", name)
    return None if row is None else UserRow.model_validate(row)


async def test_people_are_looked_at_taken_over_and_sign_in(tmp_path: Path) -> None:
    """Nothing changes by looking; then they are there, and leave as they left the service."""
    (tmp_path / "ldap").mkdir()
    groups = {"staff": ("lena", "marc")}
    with service(tmp_path / "ldap", NAMES, groups) as running:
        lab = with_service(tmp_path, running)
        async with browser(lab) as lena:
            # the service knows her, and we do not yet
            assert (await lena.sign_in(lab, "lena", PASSWORD)).status_code == 403
        async with signed_in(lab, "ada") as ada:
            there = await look(ada)
            assert "6 people would change. Nothing is done yet." in ada.text()
            assert row_of(lab, "lena") is None
            assert (await ada.post(there, plan=mark_of(ada))).status_code == 303
            await ada.get(there)
            assert "It is done: 6 people were taken over." in ada.text()
            row = row_of(lab, "lena")
            assert row is not None
            assert row.groups == ("staff",)
            async with browser(lab) as lena:
                answer = await lena.sign_in(lab, "lena", PASSWORD)
                assert answer.headers["location"] == "/"
                assert (await lena.get("/me")).status_code == 200
            async with browser(lab) as lena:
                assert (await lena.sign_in(lab, "lena", PASSWORD + "x")).status_code == 403
                assert (await lena.sign_in(lab, "lena", "")).status_code == 403
                # a name that would be a filter is a name
                assert (await lena.sign_in(lab, "le*", PASSWORD)).status_code == 403
            running.change(f"dn: uid=lena,ou=people,{BASE}\nchangetype: delete\n")
            added = person_ldif("rosa").replace("\n", "\nchangetype: add\n", 1)
            running.change(added)
            there = await look(ada)
            assert "2 people would change." in ada.text()
            await ada.post(there, plan=mark_of(ada))
            row = row_of(lab, "lena")
            assert row is not None
            assert not row.enabled
            assert row_of(lab, "rosa") is not None
            async with browser(lab) as lena:
                assert (await lena.sign_in(lab, "lena", PASSWORD)).status_code == 403
            await ada.get("/people/:sources")
            assert "school" in ada.text()
        with lab.books.read() as tx:
            state = people_sources.find(tx, "ldap:school")
        assert state is not None
        assert state.state == "done"


async def test_a_service_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """Looking tells why; nobody is changed, and a password that is ours opens all the same."""
    (tmp_path / "ldap").mkdir()
    with service(tmp_path / "ldap", NAMES[:2], {}) as running:
        lab = with_service(tmp_path, running)
        async with signed_in(lab, "ada") as ada:
            there = await look(ada)
            await ada.post(there, plan=mark_of(ada))
    async with signed_in(lab, "ada") as ada:
        assert await look(ada) == "/people/:sources"
        assert "The service cannot be read." in ada.text()
        row = row_of(lab, "lena")
        assert row is not None
        assert row.enabled
    async with browser(lab) as lena:
        assert (await lena.sign_in(lab, "lena", PASSWORD)).status_code == 503
        assert (await lena.sign_in(lab, "nobody", PASSWORD)).status_code == 503
    async with browser(lab) as ana:
        assert (await ana.sign_in(lab, "ana")).headers["location"] == "/"
