"""`printmesh broker` as people run it: ready line, clean end, exports, plain words on mistakes."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from broker import cli, mosquitto
from broker.credentials import CredentialFile
from broker.topics import Party
from tests.contract.mqtt.wire import PATIENCE, Client, close_all

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give settings with free ports and nobody known yet."""
    path = tmp_path / "broker.toml"
    path.write_text('port = 0\nwebsocket_port = 0\ncredentials = "credentials.json"\n')
    return path


async def test_it_runs_until_sigterm(config: Path) -> None:
    """One line says where it listens; nodes added meanwhile get in; SIGTERM ends it with 0."""
    program = [sys.executable, "-m", "printmesh", "broker", "run", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            ready = (await process.stdout.readline()).decode()
        word, mqtt, websocket = ready.split()
        assert word == "listening"
        assert websocket.startswith("ws://127.0.0.1:")
        secret = CredentialFile(config.with_name("credentials.json")).add("edge-1", Party.NODE)
        client = await Client.open(int(mqtt.rpartition(":")[2]))
        await client.hello("edge-1", "edge-1", secret)
        assert client.code == 0
        process.terminate()
        assert await client.ended()
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
        assert process.returncode == 0
        assert secret.encode() not in said
        assert b"Traceback" not in said
    finally:
        close_all()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_ready_line_goes_to_a_descriptor(config: Path) -> None:
    """With --ready-fd whoever started it reads the line there and then the end of the file."""
    reading, writing = os.pipe()
    program = [sys.executable, "-m", "printmesh", "broker", "run", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        *program, "--ready-fd", str(writing), pass_fds=[writing]
    )
    os.close(writing)
    with os.fdopen(reading) as ready:
        line = await asyncio.to_thread(ready.read)
    process.terminate()
    assert await process.wait() == 0
    assert line.startswith("listening mqtt://127.0.0.1:")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["run", "--config", "{config}", "--log-level", "loud"], 2, "expected one of"),
        (["run", "--config", "{config}.missing"], 1, "broker.toml.missing"),
        (["export", "mosquitto", "{home}/out", "--config", "{config}"], 1, "nobody is in it"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_mistakes_are_said_in_plain_words(
    config: Path, words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word, file or value ends with its status and what is wrong, without a traceback."""
    arguments = [word.format(config=config, home=config.parent) for word in words]
    assert cli.main(arguments) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_damaged_credentials_are_told_at_the_start(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The broker does not start on a file it cannot read, and names it."""
    config.with_name("credentials.json").write_text("{")
    assert cli.main(["run", "--config", str(config)]) == 1
    assert "credentials.json: the whole: " in capsys.readouterr().err


def test_export_with_the_secrets_that_were_handed_out(config: Path) -> None:
    """--secrets makes the password file; a second export needs --force and keeps known lines."""
    store, home = CredentialFile(config.with_name("credentials.json")), config.parent / "out"
    secrets = {"edge-1": store.add("edge-1", Party.NODE)}
    given = config.with_name("secrets.json")
    given.write_text(json.dumps(secrets))
    export = ["export", "mosquitto", str(home), "--config", str(config)]
    assert cli.main(export) == 1, "no secrets at all"
    assert not home.exists()
    assert cli.main([*export, "--secrets", str(given)]) == 0
    passwords = home / mosquitto.PASSWORDS
    before = passwords.read_text()
    assert before.startswith("edge-1:$7$101$")
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert cli.main([*export, "--secrets", str(given)]) == 1, "not without --force"
    assert passwords.read_text() == before
    given.write_text(json.dumps({"edge-2": store.add("edge-2", Party.NODE)}))
    assert cli.main([*export, "--secrets", str(given), "--force"]) == 0
    assert passwords.read_text().startswith(before)
    assert "\nedge-2:$7$" in passwords.read_text()


def test_export_with_new_secrets(config: Path) -> None:
    """--rotate makes new ones, kept in one private file; our own broker's stay as they were."""
    store, home = CredentialFile(config.with_name("credentials.json")), config.parent / "out"
    store.add("edge-1", Party.NODE)
    before = store.entries()
    assert cli.main(["export", "mosquitto", str(home), "--config", str(config), "--rotate"]) == 0
    file = home / mosquitto.SECRETS
    assert list(json.loads(file.read_text())) == ["edge-1"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert store.entries() == before


def test_bad_secrets_are_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secrets file that is no JSON object of texts is refused with what was expected."""
    CredentialFile(config.with_name("credentials.json")).add("edge-1", Party.NODE)
    given = config.with_name("secrets.json")
    export = ["export", "mosquitto", str(config.parent / "out"), "--config", str(config)]
    for bad in ("[]", '{"edge-1": 1}', "edge-1: x"):
        given.write_text(bad)
        assert cli.main([*export, "--secrets", str(given)]) == 1
        assert "secrets.json" in capsys.readouterr().err
