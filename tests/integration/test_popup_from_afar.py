"""Pop-ups that the centre asks for: let in by a hash, never in anybody's place."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import ValidationError

from broker.credentials import CredentialFile, Login, hash_of
from config.settings import EdgeSettings, load
from edge.popup_place import NoPlace, Place, PopupWish, enrol
from edge.site_broker import terminals_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the site: there are no books")

SECRET = "0f" * 32


def settings(path: Path, host: str = "site.example.org", more: str = "") -> EdgeSettings:
    """Return the settings of a site."""
    file = path / "edge.toml"
    file.write_text(
        'node = "north"\nsite = "North"\ndata = "data"\n'
        f'[coordinator]\nincarnation = "{UUID(int=7)}"\n'
        f'[link]\nsecret = "hush"\n[site_broker]\nhost = "{host}"\nport = 8883\n'
        f'{more}[terminals]\nbound = {{ "popup-ana" = "ana" }}\n'
    )
    return load(EdgeSettings, file)


def wish(user: str = "ana", node: str = "popup-7xk2m9qd", secret: str = SECRET) -> PopupWish:
    """Return what the centre asks."""
    return PopupWish(user=user, node=node, hash=hash_of(secret))


def test_who_shows_the_secret_is_let_in(tmp_path: Path) -> None:
    """The site never hears the secret, and knows it when it is shown; twice is once."""
    at = settings(tmp_path)
    for _ in range(2):
        found = enrol(at, wish())
        assert isinstance(found, Place)
        assert (found.host, found.port, found.tls) == ("site.example.org", 8883, False)
    file = CredentialFile(terminals_file(at))
    assert [(each.name, each.person) for each in file.entries()] == [("popup-7xk2m9qd", "ana")]
    assert SECRET not in terminals_file(at).read_text()
    assert file.authenticate(Login("popup-7xk2m9qd", "popup-7xk2m9qd", SECRET)) is not None
    assert file.authenticate(Login("popup-7xk2m9qd", "popup-7xk2m9qd", "0e" * 32)) is None


@pytest.mark.parametrize(
    "second", [wish(user="eve"), wish(secret="0e" * 32), wish(node="popup-ana")]
)
def test_nobody_takes_anothers_place(tmp_path: Path, second: PopupWish) -> None:
    """A name that is somebody's stays theirs, with the secret they have."""
    at = settings(tmp_path)
    enrol(at, wish())
    before = terminals_file(at).read_text()
    assert isinstance(enrol(at, second), NoPlace)
    assert terminals_file(at).read_text() == before


def test_a_site_that_nobody_reaches_lets_nobody_in(tmp_path: Path) -> None:
    """A token that leads nowhere is not handed out."""
    at = settings(tmp_path, "127.0.0.1")
    assert isinstance(enrol(at, wish()), NoPlace)
    assert not terminals_file(at).exists()


@pytest.mark.parametrize(
    "node", ["north", "operator", "popup-../x", "POPUP-A", "popup-" + "a" * 40]
)
def test_what_is_no_pop_ups_name_is_none(node: str) -> None:
    """The centre cannot name other nodes of a site."""
    with pytest.raises(ValidationError):
        wish(node=node)
