"""Both places credentials are kept, one suite; then what only the file has to do."""

from __future__ import annotations

import json
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from broker.acl import Identity
from broker.credentials import (
    CredentialError,
    CredentialFile,
    CredentialMemory,
    Login,
    hash_of,
    mint,
)
from broker.topics import Party

if TYPE_CHECKING:
    from pathlib import Path

Source = CredentialFile | CredentialMemory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a path where no file is yet, in a directory that is not there either."""
    return tmp_path / "etc" / "credentials.json"


@pytest.fixture(params=["file", "memory"])
def source(request: pytest.FixtureRequest, path: Path) -> Source:
    """Give an empty place."""
    return CredentialFile(path) if request.param == "file" else CredentialMemory()


def login(name: str, secret: str | None, certificate: str | None = None) -> Login:
    """Return a login whose client id is the user name, as it should be."""
    return Login(name, name, secret, certificate)


def test_only_the_secret_proves_a_name(source: Source) -> None:
    """The secret that was handed out proves its name; none other does, nor another's."""
    secret, other = source.add("edge-1", Party.NODE), source.add("edge-2", Party.NODE)
    assert source.authenticate(login("edge-1", secret)) == Identity("edge-1", Party.NODE)
    for wrong in (other, "", None, secret + " ", hash_of(secret)):
        assert source.authenticate(login("edge-1", wrong)) is None
    assert source.authenticate(login("stranger", secret)) is None
    assert source.authenticate(Login("edge-1", None, secret)) is None


def test_the_client_id_is_the_user_name(source: Source) -> None:
    """A right secret under another's client id proves nothing."""
    secret = source.add("edge-1", Party.NODE)
    source.add("edge-2", Party.NODE)
    assert source.authenticate(Login("edge-2", "edge-1", secret)) is None


def test_a_certificate_must_name_the_same_node(source: Source) -> None:
    """A stolen secret is not enough when TLS saw another node's certificate."""
    secret = source.add("edge-1", Party.NODE)
    assert source.authenticate(login("edge-1", secret, "edge-1")) is not None
    assert source.authenticate(login("edge-1", secret, "edge-2")) is None


def test_a_removed_name_is_out_at_once(source: Source) -> None:
    """After removal the secret proves nothing and a connected client is no longer known."""
    secret = source.add("edge-1", Party.NODE)
    identity = Identity("edge-1", Party.NODE)
    assert source.knows(identity)
    assert not source.knows(Identity("edge-1", Party.COORDINATOR))
    assert source.remove("edge-1")
    assert not source.remove("edge-1")
    assert source.authenticate(login("edge-1", secret)) is None
    assert not source.knows(identity)


def test_adding_again_changes_the_secret(source: Source) -> None:
    """A new secret replaces the old one; a given one is taken as it is."""
    old = source.add("edge-1", Party.NODE)
    new = source.add("edge-1", Party.DASHBOARD, "chosen")
    assert new == "chosen"
    assert source.authenticate(login("edge-1", old)) is None
    assert source.authenticate(login("edge-1", new)) == Identity("edge-1", Party.DASHBOARD)


def test_secrets_are_256_bits_and_never_the_same() -> None:
    """32 random bytes as text: the reason why one round of SHA-256 suffices."""
    secrets = {mint() for _ in range(1000)}
    assert len(secrets) == 1000
    assert {len(secret) for secret in secrets} == {43}


def test_the_file_holds_no_secret_and_is_private(path: Path) -> None:
    """Mode 0600, hashes only, and nothing else left in the directory but the lock."""
    secret = CredentialFile(path).add("edge-1", Party.NODE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in path.read_text()
    assert sorted(each.name for each in path.parent.iterdir()) == [
        ".credentials.json.lock",
        "credentials.json",
    ]


def test_a_running_broker_sees_what_another_process_wrote(path: Path) -> None:
    """A change of the file counts at the next login, without a restart."""
    reader, writer = CredentialFile(path), CredentialFile(path)
    assert reader.authenticate(login("edge-1", "x")) is None
    secret = writer.add("edge-1", Party.NODE)
    assert reader.authenticate(login("edge-1", secret)) is not None
    writer.remove("edge-1")
    assert reader.authenticate(login("edge-1", secret)) is None
    secret = writer.add("edge-1", Party.NODE)
    assert reader.authenticate(login("edge-1", secret)) is not None
    path.unlink()
    assert reader.authenticate(login("edge-1", secret)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the whole"),
        ("{", "the whole"),
        ('{"credentials": [{"name": "A B", "party": "node", "hash": ""}]}', "credentials.0.name"),
        (
            json.dumps({"credentials": [{"name": "a", "party": "king", "hash": "0" * 64}]}),
            "credentials.0.party",
        ),
        ('{"nodes": []}', "nodes"),
    ],
)
def test_a_damaged_file_is_told_and_leaves_the_last_good_in_force(
    path: Path, text: str, said: str
) -> None:
    """`entries` says where it is wrong; who was known under way stays known."""
    store = CredentialFile(path)
    secret = store.add("edge-1", Party.NODE)
    assert store.authenticate(login("edge-1", secret)) is not None
    path.write_text(text)
    with pytest.raises(CredentialError, match=f"credentials.json: {said}: "):
        store.entries()
    with pytest.raises(CredentialError):
        store.add("edge-2", Party.NODE)
    assert store.authenticate(login("edge-1", secret)) is not None


def test_entries_written_at_once_are_all_there(path: Path) -> None:
    """Twenty writers at a time lose none of one another's entries."""
    writers = [
        threading.Thread(target=CredentialFile(path).add, args=(f"edge-{n}", Party.NODE))
        for n in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(CredentialFile(path).entries()) == 20


def test_an_unwritable_place_is_said(tmp_path: Path) -> None:
    """A plain file where a directory should be is an error with the path in it."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CredentialError, match="cannot be written"):
        CredentialFile(blocked / "credentials.json").add("edge-1", Party.NODE)
