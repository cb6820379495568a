"""Setting a centre up: in a browser with the code of the log, and on the command line."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from broker.credentials import CredentialFile
from central.acts import setup
from central.cli import main
from central.store import nodes, organisation, staff
from central.store.books import Books, sqlite_url
from central.web.app import make_site
from central.web.pages.beginning import new_code, prepare
from central.web.pages.centre import Centre
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from tests.integration.books_lab import Clock, Dice
from tests.integration.pages_lab import Lab, browser

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("a centre is set up the same way on each database")

PASSWORD = "a long enough password"


def new_centre(path: Path) -> Lab:
    """Return the pages of a centre that nobody looks after yet."""
    clock = Clock()
    books = Books.open(sqlite_url(path / "books.db"), clock=clock, dice=Dice())
    settings = CentralSettings(
        data=path,
        credentials=path / "credentials.json",
        broker=LinkSettings(secret=SecretStr("the coordinator's own")),
        web=WebSettings(port=8090),
    )
    centre = Centre.of(settings, books, clock=clock)
    return Lab(books, clock, centre, make_site(centre))


def with_code(lab: Lab) -> str:
    """Have a code made, as the log shows it."""
    code = new_code()
    with lab.books.write() as tx:
        organisation.put_code(tx, code)
    return code


def typed(code: str, **more: str) -> dict[str, str]:
    """Return what somebody types."""
    fields = {
        "code": code,
        "organisation": "City Library",
        "user": "Ada",
        "display": "Ada L.",
        "password": PASSWORD,
        "again": PASSWORD,
        "site": "Main Library",
    }
    return fields | more


async def test_a_browser_sets_the_centre_up(tmp_path: Path) -> None:
    """Organisation, administrator and site are there, and the edge's settings are shown once."""
    lab = new_centre(tmp_path)
    code = with_code(lab)
    async with browser(lab) as ada:
        assert (await ada.get("/setup")).status_code == 200
        answer = await ada.post("/setup", **typed(code.upper().replace("-", " ")))
        assert answer.status_code == 200, answer.text
        text = answer.text.partition("<pre")[2].partition("<code>")[2].partition("</code>")[0]
        edge = tomllib.loads(text.replace("&#34;", '"').replace("&quot;", '"'))
        assert edge["node"] == "main-library"
        entries = CredentialFile(tmp_path / "credentials.json").entries()
        assert [each.name for each in entries] == ["main-library"]
        with lab.books.read() as tx:
            assert organisation.name(tx) == "City Library"
            assert [each.user for each in staff.every(tx)] == ["ada"]
            found = nodes.find(tx, "main-library")
        assert found is not None
        assert found.may_enrol
        # no second time
        assert (await ada.get("/setup")).headers["location"] == "/sign-in"
        answer = await ada.sign_in(lab, "ada", PASSWORD)
        assert answer.status_code == 200
        await ada.get("/")
        assert "0 of 1 sites linked." in ada.text()


async def test_a_code_dies_of_guessing(tmp_path: Path) -> None:
    """After ten wrong ones the right one is worth nothing."""
    lab = new_centre(tmp_path)
    code = with_code(lab)
    async with browser(lab) as stranger:
        await stranger.get("/setup")
        for _ in range(organisation.TRIES):
            answer = await stranger.post("/setup", **typed("wrong-code"))
            assert answer.status_code == 403
            lab.later(hours=1)
        answer = await stranger.post("/setup", **typed(code))
        assert answer.status_code == 403
        assert "used up or too old" in stranger.text()
    with lab.books.read() as tx:
        assert setup.needed(tx)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"password": "short", "again": "short"}, "a password has 10 to 255 characters"),
        ({"again": "another password"}, "The two are not the same."),
        ({"user": ""}, "This is needed."),
        ({"user": "a b"}, "without spaces"),
        ({"organisation": ""}, "This is needed."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    tmp_path: Path, more: dict[str, str], said: str
) -> None:
    """What was typed is kept, but for passwords, and the code is not used up."""
    lab = new_centre(tmp_path)
    code = with_code(lab)
    async with browser(lab) as ada:
        await ada.get("/setup")
        answer = await ada.post("/setup", **typed(code, **more))
        assert answer.status_code == 422
        assert said in ada.text()
        assert 'value="Main Library"' in answer.text
        assert PASSWORD not in answer.text
        assert (await ada.post("/setup", **typed(code))).status_code == 200


def test_the_start_makes_a_code_while_nobody_is_staff(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only its hash is kept; with staff there is none."""
    lab = new_centre(tmp_path)
    prepare(lab.centre, 8090)
    with lab.books.read() as tx:
        rows = tx.sql.exec_driver_sql("SELECT digest, tries FROM setup_code").all()
    assert len(rows) == 1
    assert len(rows[0][0]) == 64


# ── the command line ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the settings of a new centre."""
    assert main(["init", str(tmp_path / "centre")]) == 0
    return tmp_path / "centre" / "central.toml"


def run(home: Path, *words: str) -> int:
    """Run a command."""
    return main([*words, "--config", str(home)])


def test_setup_makes_what_lacks_and_nothing_twice(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once everything is there the command says so and changes nothing."""
    _typing(monkeypatch, PASSWORD)
    words = ("--organisation", "City Library", "--administrator", "ada", "--site", "North Hall")
    out = home.parent / "edge.toml"
    assert run(home, "setup", *words, "--out", str(out)) == 0
    told = capsys.readouterr().out
    assert "ada is administrator of all sites." in told
    assert tomllib.loads(out.read_text())["node"] == "north-hall"
    assert out.stat().st_mode & 0o077 == 0
    assert run(home, "setup", *words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["administrator"] is None
    assert run(home, "verify") == 0


def test_setup_without_an_administrator_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody can be asked, what is missing is named."""
    assert run(home, "setup", "--organisation", "City Library") == 1
    assert "--administrator" in capsys.readouterr().err


def test_staff_is_given_roles_and_loses_them(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles are for people and sites that there are; the last administrator stays."""
    _typing(monkeypatch, PASSWORD)
    assert run(home, "setup", "--administrator", "ada", "--site", "North") == 0
    assert run(home, "user", "add", "olga") == 0
    assert run(home, "staff", "add", "olga", "operator", "--site", "north") == 0
    capsys.readouterr()
    assert run(home, "staff", "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["user"], row["role"], row["sites"]) for row in rows] == [
        ("ada", "administrator", ["*"]),
        ("olga", "operator", ["north"]),
    ]
    for words, said in (
        (("add", "nobody", "operator"), "there is no user"),
        (("add", "olga", "queen"), "is no role"),
        (("add", "olga", "operator", "--site", "south"), "there is no edge south"),
        (("remove", "ada"), "the last administrator"),
        (("reset-factor", "olga"), "has no second factor"),
    ):
        assert run(home, "staff", *words) == 1
        assert said in capsys.readouterr().err.replace("\n", " ")
    assert run(home, "staff", "remove", "olga") == 0


def _typing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    from io import StringIO  # noqa: PLC0415

    monkeypatch.setattr("sys.stdin", StringIO(text + "\n"))
