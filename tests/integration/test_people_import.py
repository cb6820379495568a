"""Promises of carrying imports out: shown before, in slices, restartable, and of themselves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from central.acts import people as acts
from central.acts.by import By
from central.fleet import Fleet
from central.importing import applying, rounds
from central.importing.applying import Applied
from central.importing.ldap_map import Mapped
from central.importing.plan import Habits, Wanted
from central.importing.rounds import Braked
from central.peopling import Peopling
from central.store import accounts, audit, directory, people_sources, person
from config.errors import PrintmeshError
from config.settings_directory_services import LdapSettings
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import open_books
from tests.integration.test_account_commands import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from central.store.books import Books

SOURCE = "ldap:school"
BY = By("cli:test")
SCHOOL = LdapSettings.model_validate(
    {"name": "school", "url": "ldaps://x.example.org", "base": "dc=x", "every": "1h"}
)


@pytest.fixture
def books() -> Iterator[Books]:
    """Open empty books."""
    opened = open_books()
    yield opened
    opened.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Enter two people by hand."""
    at = Desk(tmp_path)
    for line in ("user add ana --display Ana", "user add ben"):
        at.ok(line)
    yield at
    at.books.close()


def everybody(many: int) -> list[Wanted]:
    """Return people as a source tells of them."""
    return [
        Wanted(
            f"user{n:03}", f"entry {n}", f"id{n}", f"User {n}", "", "Art", ("staff",), (), n >= 0
        )
        for n in range(many)
    ]


class Interrupted(Exception):
    """The process ended."""


# ── slices ──────────────────────────────────────────────────────────────────────────────────


def test_what_was_interrupted_is_done_by_the_next(books: Books) -> None:
    """A part is in the books and said to be a part; planned anew, the rest comes, nothing twice."""
    wanted = everybody(500)
    plan = applying.planned(books, wanted, Habits(SOURCE))

    def stop(done: int, _all: int) -> None:
        if done >= 200:
            raise Interrupted

    with suppress(Interrupted):
        applying.apply(books, BY, plan, progress=stop)
    with books.read() as tx:
        state = people_sources.find(tx, SOURCE)
        assert state is not None
        assert (state.state, state.ended_at, state.done_at) == ("partial", None, None)
    rest = applying.planned(books, wanted, Habits(SOURCE))
    assert (len(rest.adds), rest.same) == (300, 200)
    applying.apply(books, BY, rest)
    assert applying.planned(books, wanted, Habits(SOURCE)).steps == 0
    with books.read() as tx:
        state = people_sources.find(tx, SOURCE)
        assert state is not None
        assert state.state == "done"
        assert len(audit.acts(tx, limit=1000)) == 501
        assert accounts.find(tx, "user:user499") is not None
    assert_sound(books)


def test_what_somebody_did_meanwhile_stands(books: Books) -> None:
    """Entered, removed or taken over between plan and deed: left alone, and said."""
    wanted = everybody(3)
    first = applying.planned(books, wanted, Habits(SOURCE))
    with books.write() as tx:
        acts.add(tx, BY, "user000", acts.Wishes(display="Somebody else"))
    done = applying.apply(books, BY, first)
    assert [(each.name, each.why) for each in done.skipped] == [
        ("user000", "somebody entered them meanwhile")
    ]
    changed = [Wanted("user001", "e", "id1", "New"), wanted[2]]
    second = applying.planned(books, changed, Habits(SOURCE, whole=False))
    with books.write() as tx:
        acts.remove(tx, BY, "user001")
    done = applying.apply(books, BY, second)
    assert [each.name for each in done.skipped] == ["user001"]
    with books.read() as tx:
        assert directory.get(tx, "user", "user001") is None
        kept = person.find(tx, "user000")
        assert kept is not None
        assert (kept.display, kept.about.source) == ("Somebody else", "local")


def test_each_person_and_the_import_are_written_down(books: Books) -> None:
    """One act for each, under whoever did it, and one with the counts."""
    applying.apply(books, BY, applying.planned(books, everybody(2), Habits(SOURCE)))
    with books.read() as tx:
        told = [(act.author, act.act, act.target) for act in audit.acts(tx)]
        assert audit.acts(tx)[-1].detail["added"] == 2
    assert told == [
        ("cli:test", "user add", "person:user000"),
        ("cli:test", "user add", "person:user001"),
        ("cli:test", "people import", SOURCE),
    ]


# ── of itself ───────────────────────────────────────────────────────────────────────────────


def test_a_service_is_read_when_it_is_due(books: Books) -> None:
    """At once when it never was, then after a while, by the books: a restart asks nobody anew."""
    now = books_now = _now(books)
    asked = 0

    def read(_service: LdapSettings, _key: bytes | None) -> Mapped:
        nonlocal asked
        asked += 1
        return Mapped(tuple(everybody(3)), ())

    def turn() -> object:
        return rounds.one_round(
            books, BY, SCHOOL, read=read, clock=lambda: now, dice=lambda n: bytes([255] * n)
        )

    assert isinstance(turn(), Applied)
    assert turn() is None
    now = books_now + timedelta(minutes=65)
    assert turn() is None
    now = books_now + timedelta(minutes=67)
    assert isinstance(turn(), Applied)
    assert asked == 2


def test_trouble_is_kept_and_told_once(desk: Desk) -> None:
    """A failure and a brake raise one alert each; a failed service is asked again sooner."""
    books = desk.books
    fleet = Fleet(books)
    peopling = Peopling(fleet)
    now = _now(books)

    def fails(_service: LdapSettings, _key: bytes | None) -> Mapped:
        raise PrintmeshError("school: the line is down")

    assert rounds.one_round(books, BY, SCHOOL, read=fails, clock=lambda: now) is None
    peopling.look(0.0)
    peopling.look(100.0)
    with books.read() as tx:
        state = people_sources.find(tx, SOURCE)
    assert state is not None
    assert state.due is not None
    assert state.due < now + timedelta(minutes=17)
    assert _alerts(fleet) == ["people from ldap:school: school: the line is down"]
    applying.apply(books, BY, applying.planned(books, everybody(9), Habits(SOURCE)))
    empty = applying.planned(books, [], Habits(SOURCE))
    assert isinstance(rounds.carry_out(books, BY, empty), Braked)
    peopling.look(200.0)
    peopling.look(300.0)
    (told,) = _alerts(fleet)
    assert "9 of 9 people would be disabled" in told


def test_passwords_are_asked_of_the_source_of_their_people() -> None:
    """And only where the settings have its people sign in so."""
    asking = SCHOOL.model_copy(update={"sign_in": True})
    assert rounds.asked_for((asking,), SOURCE) == asking
    assert rounds.asked_for((SCHOOL,), SOURCE) is None
    assert rounds.asked_for((asking,), "local") is None


async def test_nobody_is_asked_where_nobody_is_named(books: Books) -> None:
    """Without services that are read of themselves the task ends at once."""
    await asyncio.wait_for(rounds.keep_up(books, ()), 5)


def _now(books: Books) -> datetime:
    with books.read() as tx:
        return tx.now


def _alerts(fleet: Fleet) -> list[str]:
    return [
        said.payload.decode().split('"detail":"')[1].split('"')[0]
        for said in fleet.said()
        if "alerts" in said.topic
    ]


# ── the commands ────────────────────────────────────────────────────────────────────────────


def write(tmp_path: Path, text: str) -> Path:
    """Write a file."""
    file = tmp_path / "people.csv"
    file.write_text(text)
    return file


def test_a_file_is_shown_before_it_is_done(desk: Desk, tmp_path: Path) -> None:
    """Nothing changes without --apply; then what was shown does, and again there is nothing."""
    file = write(tmp_path, "login,name,groups,cards\ncleo,Cleo,staff|chess,04A2\ndan,Dan,,\n")
    said = desk.ok(f"import csv {file}")
    assert "It would be: 2 added. Nothing was changed" in said
    assert desk.listed("user find --source csv") == []
    assert "Done: 2 added." in desk.ok(f"import csv {file} --apply")
    found = desk.listed("user find --source csv")
    assert [(each["name"], each["groups"]) for each in found] == [
        ("cleo", ["staff", "chess"]),
        ("dan", []),
    ]
    assert len(desk.listed("card list --user cleo")) == 1
    assert "It would be: 2 same." in desk.ok(f"import csv {file}")
    assert "04A2" not in desk.ok("import list") + said


def test_wrong_rows_stop_all_unless_told_otherwise(desk: Desk, tmp_path: Path) -> None:
    """Half a file is not done silently; who was entered by hand is left alone unless adopted."""
    file = write(tmp_path, "user,name\nana,Ana Silva\nc d,Wrong\ncleo,Cleo\n")
    status, said = desk(f"import csv {file} --apply")
    assert status == 1
    assert "line 2: ana: there is a user ana already" in said
    assert "line 3: c d:" in said
    assert "2 rows are not taken" in said
    assert desk.listed("user find --source csv") == []
    desk.ok(f"import csv {file} --apply --skip-wrong")
    assert [each["name"] for each in desk.listed("user find --source csv")] == ["cleo"]
    desk.ok(f"import csv {file} --apply --skip-wrong --adopt")
    assert [each["name"] for each in desk.listed("user find --source csv")] == ["ana", "cleo"]
    assert desk.listed("user find ana")[0]["display"] == "Ana Silva"


def test_a_complete_file_shuts_out_who_is_missing(desk: Desk, tmp_path: Path) -> None:
    """After the brake, by its number; people of other sources stay."""
    names = [f"user{n}\n" for n in range(20)]
    many = write(tmp_path, "user\n" + "".join(names))
    desk.ok(f"import csv {many} --apply")
    few = write(tmp_path, "user\nuser1\n")
    desk.ok(f"import csv {few} --apply")
    assert desk.listed("user find --disabled") == []
    status, said = desk(f"import csv {few} --complete --apply")
    assert status == 1
    assert "19 of 20 people would be disabled" in said
    assert "--confirm 19" in said
    desk.ok(f"import csv {few} --complete --apply --confirm 19")
    left = desk.listed("user find --disabled")
    assert len(left) == 19
    assert {each["ended"] for each in left} == {"left"}
    assert [each["name"] for each in desk.listed("user find --source local")] == ["ana", "ben"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import csv nowhere.csv", "nowhere.csv: No such file"),
        ("import csv {file} --map Login", "write it like name=Login"),
        ("import csv {file} --map name=Nutzer", "has no column 'Nutzer'"),
        ("import ldap school", "[[ldap]] in the settings"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, tmp_path: Path, line: str, said: str) -> None:
    """In words, and nothing is changed."""
    file = write(tmp_path, "user\ncleo\n")
    status, told = desk(line.format(file=file))
    assert status == 1
    assert said in told


def test_guests_come_by_a_command(desk: Desk) -> None:
    """Refused where they are switched off; with their day where they are not."""
    status, said = desk("guest add --display Zoe")
    assert status == 1
    assert "switched off" in said
    desk.allow("[guests]\nenabled = true\n")
    name = desk.listed("guest add --display Zoe --sponsor ana")["name"]
    (listed,) = desk.listed("guest list")
    assert (listed["name"], listed["sponsor"], listed["enabled"]) == (name, "ana", True)
    status, said = desk(f"guest extend {name} 2999-01-01")
    assert status == 1
    assert "30 days at most" in said
