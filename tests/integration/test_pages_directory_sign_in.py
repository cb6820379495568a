"""Signing in with the password of a directory service: who is its own, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from central.store import directory, person
from central.web.pages.proving import Services
from config.errors import PrintmeshError
from config.settings_directory_services import LdapSettings
from tests.integration.pages_lab import browser, enter, open_lab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("who is asked for a password is no question of SQL")

THERE = "the one of the directory"


class Asked:
    """A directory service that knows one password, and keeps whom it was asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.typed: list[str] = []
        self.silent = False

    def verify(self, _service: LdapSettings, name: str, password: str) -> bool:
        """Answer as `ldap.verify` does."""
        self.names.append(name)
        self.typed.append(password)
        if self.silent:
            raise PrintmeshError("no answer")
        return password == THERE


def open_school(path: Path) -> tuple[Lab, Asked]:
    """Return a lab with a service, and lena who comes from it; she has no password here."""
    lab, asked = open_lab(path), Asked()
    service = LdapSettings(
        name="school", url="ldaps://ldap.example", base="dc=example", sign_in=True
    )
    lab.centre.settings = lab.centre.settings.model_copy(update={"ldap": (service,)})
    lab.centre.services = Services(asked.verify)
    enter(lab.books, "lena", password="")
    with lab.books.write() as tx:
        known = person.find(tx, "lena")
        assert known is not None
        person.set_all(tx, {"lena": replace(known.about, source="ldap:school")})
    return lab, asked


async def try_in(lab: Lab, name: str, password: str) -> tuple[int, str]:
    """Try to sign in; return the answer, and whether one's own pages open."""
    async with browser(lab) as visitor:
        answer = await visitor.sign_in(lab, name, password)
        mine = await visitor.get("/me")
        return answer.status_code, mine.headers.get("location", "in")


async def test_the_service_says_who_its_people_are(tmp_path: Path) -> None:
    """Its password opens for its own; a wrong or an empty one, or another's name, does not."""
    lab, asked = open_school(tmp_path)
    assert await try_in(lab, "lena", THERE) == (303, "in")
    for name, password in (("lena", "wrong"), ("lena", ""), ("ana", THERE), ("nobody", THERE)):
        status, where = await try_in(lab, name, password)
        assert (status, where.startswith("/sign-in")) == (403, True), name
    # it is asked whoever was named, and told nothing of those who are not its own
    assert "ana" not in asked.names
    assert "nobody" not in asked.names
    assert len(asked.names) == 5
    assert asked.typed.count(THERE) == 1


async def test_disabled_here_is_disabled(tmp_path: Path) -> None:
    """Whoever was disabled, or is the service's no more, is not let in by its password."""
    lab, _ = open_school(tmp_path)
    with lab.books.write() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", "lena"))
        directory.put(tx, "user", "lena", row.model_copy(update={"enabled": False}))
    assert (await try_in(lab, "lena", THERE))[0] == 403
    with lab.books.write() as tx:
        directory.put(tx, "user", "lena", row)
        known = person.find(tx, "lena")
        assert known is not None
        person.set_all(tx, {"lena": replace(known.about, source="local")})
    assert (await try_in(lab, "lena", THERE))[0] == 403


async def test_a_silent_service_says_nothing_of_anybody(tmp_path: Path) -> None:
    """Its own people and names that nobody has get the same words; a password here still opens."""
    lab, asked = open_school(tmp_path)
    asked.silent = True
    assert (await try_in(lab, "lena", THERE))[0] == 503
    assert (await try_in(lab, "nobody", THERE))[0] == 503
    assert (await try_in(lab, "ana", "correct horse battery"))[1] == "in"
