"""Promises of lines to receivers: to what was looked at, and to whom the certificate names."""

from __future__ import annotations

import ssl
import subprocess
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from central.webhooks.retrying import Answered, Unreached
from central.webhooks.sending import Sender
from config.settings_webhooks import WebhookSettings
from tests.integration.hook_lab import LOOPBACK, receiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.webhooks.retrying import Outcome

NAME = "hooks.example.org"


class Names:
    """A name service that says something else each time it is asked, as a hostile one does."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        """Answer."""
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def send(
    lookup: Callable[[str, int], list[str]],
    url: str,
    **settings: Any,  # noqa: ANN401  settings are anything
) -> Outcome:
    """Send something."""
    sender = Sender(WebhookSettings(**settings), lookup)
    try:
        async with sender.line() as line:
            return await line.send(url, {"webhook-id": "a"}, b"{}")
    finally:
        sender.close()


async def test_a_machine_of_the_house_is_not_reached_unasked() -> None:
    """No connection is made, whatever the name is; the reason names the setting."""
    async with receiver() as there:
        for url in (there.url, f"https://{NAME}:{there.port}/"):
            outcome = await send(Names(["127.0.0.1"]), url)
            assert isinstance(outcome, Unreached)
            assert ("allow_private" in outcome.why) == url.startswith("https")
        assert there.got == []


async def test_a_name_is_looked_up_once_for_each_attempt() -> None:
    """The connection goes to what was looked at, though the name leads elsewhere by then."""
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with (
        receiver(host="127.0.0.2") as good,
        receiver(port=good.port) as victim,
    ):
        house = (ip_network("127.0.0.2/32"),)
        url = f"http://{NAME}:{good.port}/in?x=1"
        outcome = await send(names, url, allow_private=house)
        assert isinstance(outcome, Answered)
        assert names.asked == 1
        (got,) = good.got
        assert got.headers["host"] == f"{NAME}:{good.port}"
        assert got.line == "POST /in?x=1 HTTP/1.1"
        outcome = await send(names, url, allow_private=house)
        assert isinstance(outcome, Unreached)
        assert victim.got == []


async def test_a_second_address_is_tried() -> None:
    """Where one of a name's machines is down, another takes it."""
    async with receiver() as there:
        names = Names(["127.0.0.3", "127.0.0.1"])
        url = f"http://{NAME}:{there.port}/in"
        outcome = await send(names, url, allow_private=(ip_network("127.0.0.0/8"),))
        assert isinstance(outcome, Answered)
        assert len(there.got) == 1


async def test_no_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look names up by itself, and nobody would look at what it finds."""
    async with receiver() as there, receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = await send(Names(["127.0.0.1"]), there.url, allow_private=LOOPBACK)
        assert isinstance(outcome, Answered)
        assert (len(there.got), len(proxy.got)) == (1, 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, and by it a certificate for a name."""
    directory = tmp_path_factory.mktemp("hook-certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    own = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    name = ("-keyout", "web.key", "-out", "web.pem", "-subj", f"/CN={NAME}")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{NAME}")
    for words in (own, (*name, *signed)):
        command = ["openssl", "req", "-x509", *key, *words]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return directory


async def test_the_certificate_is_held_against_the_name(home: Path) -> None:
    """It names who is meant and is by an authority that is trusted, or nothing is said."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(home / "web.pem", home / "web.key")
    names = Names(["127.0.0.1"])
    async with receiver(tls=tls) as there:
        trusted = {"allow_private": LOOPBACK, "ca": home / "ca.pem"}
        right = await send(names, f"https://{NAME}:{there.port}/", **trusted)
        assert isinstance(right, Answered)
        other = await send(names, f"https://other.example.org:{there.port}/", **trusted)
        stranger = await send(names, f"https://{NAME}:{there.port}/", allow_private=LOOPBACK)
        for wrong in (other, stranger):
            assert isinstance(wrong, Unreached)
            assert "CERTIFICATE_VERIFY_FAILED" in wrong.why
        assert len(there.got) == 1
