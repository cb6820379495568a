"""Promises of importing from a real OpenLDAP: all of it, over TLS, and nothing half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.acts.by import By
from central.importing import ldap, rounds
from central.importing.applying import Applied
from central.importing.rounds import Braked
from central.store import audit, cards, people_sources, person, person_search
from central.store.person_search import Which
from tests.integration import ldap_lab
from tests.integration.books_lab import open_books
from tests.integration.ldap_lab import BASE, HASTY, PASSWORD, READER, person_ldif, service
from tests.integration.test_account_commands import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Books
    from tests.integration.ldap_lab import Service

pytestmark = [
    pytest.mark.skipif(not ldap_lab.installed(), reason="slapd is not installed"),
    pytest.mark.timeout(120),
]

MANY = 5000
PEOPLE = tuple(f"user{n:04}" for n in range(MANY))
SCHOOL = "ldap:school"
BY = By("cli:test")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service with 5,000 people; nobody changes it."""
    groups = {"staff": PEOPLE[:3000], "chess": PEOPLE[:10], "nobody": ["elsewhere"]}
    with service(tmp_path_factory.mktemp("ldap"), PEOPLE, groups) as running:
        yield running


@pytest.fixture
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service with a few people; a test changes it."""
    names = ("ana", "ben", "cleo", "dan", "eve", "fay")
    groups = {"staff": ("ana", "ben"), "chess": ("ana",)}
    with service(tmp_path_factory.mktemp("ldap"), names, groups) as running:
        yield running


@pytest.fixture
def books() -> Iterator[Books]:
    """Open empty books."""
    opened = open_books()
    yield opened
    opened.close()


def run(
    books: Books, of: Service, given: dict[str, object] | None = None, confirmed: int | None = None
) -> Applied | Braked:
    """Import once."""
    settings = of.settings(**given or {})
    return rounds.carry_out(books, BY, rounds.plan_of(books, settings), confirmed=confirmed)


def people(books: Books, **which: object) -> list[str]:
    """Return who is in the books, by name."""
    with books.read() as tx:
        found = person_search.page(tx, Which(**which), order="name", limit=10_000)  # type: ignore[arg-type]
    return [each.name for each in found]


# ── reading ─────────────────────────────────────────────────────────────────────────────────


def test_all_of_many_people_come_page_by_page(school: Service) -> None:
    """The service gives 500 at once; with groups, departments, ids, and their cards as keys."""
    told = ldap.read(school.settings(attributes={"cards": "employeeNumber"}), card_key=bytes(32))
    assert sorted(each.name for each in told.wanted) == sorted(PEOPLE)
    assert told.refusals == ()
    first = next(each for each in told.wanted if each.name == "user0000")
    assert (first.display, first.department) == ("User0000 Example", "Department 0")
    assert first.groups == ("chess", "staff")
    assert len({each.source_id for each in told.wanted}) == MANY
    assert all(each.cards is not None and len(each.cards) == 1 for each in told.wanted)


def test_half_a_list_is_no_list(school: Service) -> None:
    """A service that breaks off at its limit is said to be unusable: else the rest would leave."""
    settings = school.settings(bind_dn=HASTY)
    with pytest.raises(ldap.ServiceUnusable, match="sizeLimitExceeded"):
        ldap.read(settings)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # a certificate of an authority that nobody trusts
        ({"ca": None}, "certificate"),
        ({"secret": "wrong"}, "does not let cn=reader"),
        ({"base": "ou=nowhere,dc=example,dc=org"}, "noSuchObject"),
        ({"filter": "(uid="}, "invalid filter"),
        ({"url": "ldaps://127.0.0.1:1"}, "127.0.0.1:1"),
        # the certificate is of another name
        ({"url": "localhost"}, "match"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(
    school: Service, given: dict[str, object], said: str
) -> None:
    """Nothing is read from a service that is not trusted; the answer says what was wrong."""
    if given.get("url") == "localhost":
        given = {"url": f"ldaps://localhost:{school.secure}"}
    with pytest.raises(ldap.ServiceUnusable, match=said) as caught:
        ldap.read(school.settings(**given))
    assert PASSWORD not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_plain_addresses_are_made_secure_first(school: Service) -> None:
    """StartTLS with the same check of the certificate; without trust nothing is said."""
    url = f"ldap://127.0.0.1:{school.plain}"
    settings = school.settings(url=url, filter="(uid=user0001)")
    assert [each.name for each in ldap.read(settings).wanted] == ["user0001"]
    with pytest.raises(ldap.ServiceUnusable, match="certificate"):
        ldap.read(school.settings(url=url, ca=None))


def test_groups_by_member_of(club: Service) -> None:
    """The overlay's attribute on the person's entry does as well, only below a base."""
    club.change(
        f"dn: cn=late,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: late\n"
        f"member: uid=ana,ou=people,{BASE}\n"
    )
    told = ldap.read(club.settings(groups={"by": "member-of", "base": f"ou=groups,{BASE}"}))
    assert {each.name: each.groups for each in told.wanted}["ana"] == ("late",)
    told = ldap.read(club.settings(groups={"by": "member-of", "base": f"ou=else,{BASE}"}))
    assert {each.name: each.groups for each in told.wanted}["ana"] == ()


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("ana", PASSWORD, True),
        ("ANA", PASSWORD, True),
        ("ana", "wrong", False),
        # a sign-in as nobody would succeed
        ("ana", "", False),
        ("nobody", PASSWORD, False),
        # no filter of somebody else's
        ("*", PASSWORD, False),
        ("ana)(uid=*", PASSWORD, False),
        ("", PASSWORD, False),
    ],
)
def test_passwords_are_asked_there(
    small: Service, name: str, password: str, *, right: bool
) -> None:
    """By signing in with it, and only with it."""
    assert ldap.verify(small.settings(), name, password) is right


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service with two people; nobody changes it."""
    with service(tmp_path_factory.mktemp("ldap"), ("ana", "ben"), {}) as running:
        yield running


def test_an_unreachable_service_says_nothing_of_a_password(small: Service) -> None:
    """It raises: who cannot ask must not say wrong."""
    with pytest.raises(ldap.ServiceUnusable):
        ldap.verify(small.settings(url="ldaps://127.0.0.1:1"), "ana", PASSWORD)


# ── importing ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.sqlite_only("the slices are the same; 5,000 people once are enough")
def test_five_thousand_people_come_once(school: Service, books: Books) -> None:
    """Each with an account; a second import finds nothing to do."""
    done = run(books, school)
    assert isinstance(done, Applied)
    assert done.plan.counts() | {"same": 0} == {
        "added": MANY,
        "changed": 0,
        "returned": 0,
        "disabled": 0,
        "same": 0,
        "refused": 0,
    }
    again = run(books, school)
    assert isinstance(again, Applied)
    assert (again.plan.steps, again.plan.same) == (0, MANY)
    with books.read() as tx:
        assert person_search.count(tx, Which(source=SCHOOL)) == MANY
        assert dict(person_search.groups(tx)) == {"chess": 10, "staff": 3000}
        state = people_sources.find(tx, SCHOOL)
        assert state is not None
        assert state.state == "done"


def test_the_life_of_an_entry(club: Service, books: Books) -> None:
    """Changed, renamed, gone and back: the books follow; groups given here stay."""
    run(books, club)
    with books.read() as tx:
        ids = {each.name: each.about.source_id for each in person.every(tx)}
    club.change(
        f"dn: uid=ana,ou=people,{BASE}\nchangetype: modrdn\nnewrdn: uid=ana.silva\n"
        "deleteoldrdn: 1\n\n"
        f"dn: uid=ben,ou=people,{BASE}\nchangetype: modify\nreplace: departmentNumber\n"
        "departmentNumber: Music\n\n"
        f"dn: uid=cleo,ou=people,{BASE}\nchangetype: delete\n"
    )
    done = run(books, club)
    assert isinstance(done, Applied)
    assert done.plan.counts() == {
        "added": 0,
        "changed": 2,
        "returned": 0,
        "disabled": 1,
        "same": 3,
        "refused": 0,
    }
    with books.read() as tx:
        found = {each.name: each for each in person.every(tx)}
    assert "ana" not in found
    assert found["ana.silva"].about.source_id == ids["ana"]
    assert found["ben"].about.department == "Music"
    assert (found["cleo"].enabled, found["cleo"].about.ended) == (False, "left")
    # a new entry of the older name is another person: it is said, and not done
    club.change(person_ldif("cleo").replace("objectClass", "changetype: add\nobjectClass", 1))
    again = run(books, club)
    assert isinstance(again, Applied)
    assert [each.name for each in again.plan.refusals] == ["cleo"]


def test_the_brake_holds_until_the_number_is_said(club: Service, books: Books) -> None:
    """A filter that finds nobody shuts nobody out; the right number does, a wrong one does not."""
    run(books, club)
    nobody: dict[str, object] = {"filter": "(uid=nobody)"}
    assert isinstance(run(books, club, nobody), Braked)
    assert isinstance(run(books, club, nobody, 5), Braked)
    assert people(books, enabled=False) == []
    with books.read() as tx:
        state = people_sources.find(tx, SCHOOL)
        assert state is not None
        assert state.state == "braked"
        assert "6 of 6 people would be disabled" in state.remark
        assert audit.acts(tx, target=SCHOOL)[-1].act == "people import braked"
    assert isinstance(run(books, club, nobody, 6), Applied)
    assert len(people(books, enabled=False)) == 6
    back = run(books, club)
    assert isinstance(back, Applied)
    assert back.plan.counts()["returned"] == 6
    assert people(books, enabled=False) == []


def test_cards_follow_the_service(club: Service, books: Books) -> None:
    """A changed number is another card; the older one is gone, and no number stands anywhere."""
    number = "04A2FF1177"
    club.change(
        f"dn: uid=ana,ou=people,{BASE}\nchangetype: modify\nreplace: employeeNumber\n"
        f"employeeNumber: {number}\n"
    )
    given: dict[str, object] = {"attributes": {"cards": "employeeNumber"}}
    run(books, club, given)
    with books.read() as tx:
        (card,) = cards.every(tx, "ana")
        assert cards.by_number(tx, number) == card
        told = str([(act.target, act.detail) for act in audit.acts(tx)])
    assert number not in told
    assert card.key not in told
    club.change(
        f"dn: uid=ana,ou=people,{BASE}\nchangetype: modify\nreplace: employeeNumber\n"
        "employeeNumber: another\n"
    )
    run(books, club, given)
    with books.read() as tx:
        (other,) = cards.every(tx, "ana")
        assert other.key != card.key
        assert cards.by_number(tx, number) is None


def test_the_command_shows_and_does(club: Service, tmp_path: Path) -> None:
    """By the settings' file, its secret and the authority beside it; shown first, then done."""
    desk = Desk(tmp_path)
    (tmp_path / "ldap.secret").write_text(PASSWORD + "\n")
    (tmp_path / "authority.pem").write_bytes((club.home / "ca.pem").read_bytes())
    desk.allow(
        f"""
[[ldap]]
name = "school"
url = "ldaps://127.0.0.1:{club.secure}"
ca = "authority.pem"
bind_dn = "{READER}"
secret_file = "ldap.secret"
base = "ou=people,{BASE}"
groups = {{ base = "ou=groups,{BASE}" }}
"""
    )
    assert "It would be: 6 added. Nothing was changed" in desk.ok("import ldap school")
    told = desk.listed("import ldap school --apply")
    assert (told["applied"], told["counts"]["added"]) == (True, 6)
    (source,) = desk.listed("import list")
    assert (source["source"], source["people"], source["state"]) == (SCHOOL, 6, "done")
    assert [each["name"] for each in desk.listed("user find --group chess")] == ["ana"]
    status, said = desk("import ldap schol")
    assert status == 1
    assert "did you mean school?" in said
    desk.books.close()
