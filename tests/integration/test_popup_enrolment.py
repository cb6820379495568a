"""Pop-ups are enrolled at a running edge: one token each, of one person, hashed, revocable."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from broker import topics
from broker.link import Arrived, Link
from broker.messages import JobsRequest, Person, PersonNews
from config.popup_token import NotAToken, PopupToken, read, written
from config.settings import LinkSettings
from edge.cli import main
from tests.integration import test_identify as people
from tests.integration.test_identify import CARD, PATIENCE, PIN, Terminal, asked, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.test_identify import Site

pytestmark = pytest.mark.sqlite_only("about the site: the centre is only there")

centre, site = people.centre, people.site
POPUP = "popup-of-ana"


@pytest.fixture
def config(site: Site) -> Path:
    """Give the file of settings that the running edge could have been started with."""
    credentials = str(site.path / "site.json")
    return settings_file(site.path, port=site.port, credentials=credentials)


def settings_file(path: Path, **site_broker: Any) -> Path:  # noqa: ANN401  any setting
    """Write the settings of a site."""
    broker = "\n".join(f"{key} = {json.dumps(value)}" for key, value in site_broker.items())
    file = path / "edge.toml"
    file.write_text(
        'node = "north"\nsite = "North"\ndata = "data"\n'
        f'[coordinator]\nincarnation = "{UUID(int=7)}"\n'
        f'[link]\nsecret = "hush"\n[site_broker]\n{broker}\n'
        '[terminals]\nbound = { "ana-pc" = "ana" }\n'
    )
    return file


def command(config: Path, *words: str) -> int:
    """Run `printmesh edge popup`."""
    return main(["popup", *words, "--config", str(config)])


async def enrolled(
    config: Path, capsys: pytest.CaptureFixture[str], user: str, *words: str
) -> PopupToken:
    """Enrol a pop-up as the command does, and read its token."""
    capsys.readouterr()
    # the command has an event loop of its own
    assert await asyncio.to_thread(command, config, user, *words) == 0
    # the site runs in this process too, and may log a line meanwhile
    _, begins, rest = capsys.readouterr().out.partition("printmesh1.")
    token = read(begins + rest.partition("\n")[0])
    assert isinstance(token, PopupToken), token
    return token


def link_of(token: PopupToken) -> LinkSettings:
    """Return how a pop-up reaches its site."""
    return LinkSettings(host=token.host, port=token.port, secret=SecretStr(token.secret))


def popup(token: PopupToken) -> Terminal:
    """Return a pop-up with this token."""
    return Terminal(token.node, link_of(token))


async def refused(token: PopupToken, *filters: str) -> bool:
    """Say whether the broker turns a token away, or what it subscribes to."""
    async with Link(link_of(token), token.node, subscriptions=filters) as made:
        try:
            async with asyncio.timeout(0.5):
                await made.connected.wait()
        except TimeoutError:
            return True
    return False


async def test_a_token_makes_a_person_s_own_terminal(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the edge runs: nothing typed, and it is that person's; the secret is kept nowhere."""
    token = await enrolled(config, capsys, "ana")
    assert (token.host, token.port, token.tls) == ("127.0.0.1", site.port, False)
    async with popup(token) as own:
        assert (await own.signed_in()).user == "ana"
    assert token.secret.encode() not in site.journal()
    assert (await enrolled(config, capsys, "ana")).node != token.node


async def test_an_own_terminal_outlives_a_restart(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The credential and whose it is are on the disk."""
    token = await enrolled(config, capsys, "ben", "--node", "desk-7")
    assert token.node == "desk-7"
    await site.stop()
    await site.start()
    async with popup(token) as own:
        assert (await own.signed_in()).user == "ben"


async def test_an_own_terminal_is_nobody_else_s(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No card, PIN or session of anybody else opens it: a stolen token tries no cards."""
    token = await enrolled(config, capsys, "ben")
    async with popup(token) as own, site.terminal("panel") as panel:
        elsewhere = await panel.signed_in(card=CARD)
        for way in ({"card": CARD}, {"user": "ana", "pin": PIN}, {"session": elsewhere.session}):
            reply = await own.identify(**way)
            assert (reply.status, reply.problem and reply.problem.code) == ("refused", "not-yours")
        jobs = await own.ask(JobsRequest(**asked(), person=Person(card=CARD)))
        assert (jobs.status, jobs.problem and jobs.problem.code) == ("refused", "no-identity")
        assert (await own.signed_in()).user == "ben"


async def test_a_pop_up_hears_its_own_news_only(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two pop-ups at one broker: each hears what it is told, nothing of or by the other."""
    tokens = {name: await enrolled(config, capsys, name) for name in ("ana", "ben")}
    nodes = {name: token.node for name, token in tokens.items()}
    heard: dict[str, list[str]] = {"ana": [], "ben": []}
    links = {
        name: Link(link_of(token), token.node, subscriptions=topics.node_subscriptions(token.node))
        for name, token in tokens.items()
    }

    async def listen(name: str) -> None:
        async for event in links[name].events():
            if isinstance(event, Arrived) and "/down/" in event.topic:
                heard[name].append(event.topic if event.payload != b"forged" else "forged")

    async with AsyncExitStack() as stack:
        for link in links.values():
            await stack.enter_async_context(link)
        for name in links:
            stack.callback(asyncio.create_task(listen(name)).cancel)
        async with asyncio.timeout(PATIENCE):
            for link in links.values():
                await link.connected.wait()
        await links["ben"].publish(topics.NEWS.of(node=nodes["ana"]), b"forged")
        for name in ("ana", "ben", "ana"):
            news = PersonNews(session=UUID(int=1), what="settled", text="Printed.")
            site.edge._board._jobs.append((nodes[name], news))
        site.edge._board.look()
        await until(lambda: len(heard["ana"]) == 2 and bool(heard["ben"]))
    assert heard == {
        "ana": [topics.NEWS.of(node=nodes["ana"])] * 2,
        "ben": [topics.NEWS.of(node=nodes["ben"])],
    }
    for wide in (topics.NEWS.of(node=nodes["ben"]), "pm/v1/down/#", "#"):
        assert await refused(tokens["ana"], wide)


async def test_a_revoked_pop_up_is_cut_off(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While it is connected: within seconds, for good; others go on; the list says who is left."""
    gone, left = await enrolled(config, capsys, "ana"), await enrolled(config, capsys, "ben")
    async with popup(gone) as own, popup(left) as other:
        await own.signed_in()
        assert command(config, "--revoke", gone.node) == 0
        await until(lambda: not own.link.connected.is_set())
        assert (await other.signed_in()).user == "ben"
    assert await refused(gone)
    capsys.readouterr()
    assert command(config, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == [
        {"node": "ana-pc", "user": "ana", "by": "settings"},
        {"node": left.node, "user": "ben", "by": "enrolled"},
    ]
    assert command(config, "--revoke", gone.node) == 2
    assert command(config, "--revoke", "panel") == 2  # no pop-up: a terminal of the house
    assert await refused(gone)


async def test_nothing_is_enrolled_that_would_not_work(
    site: Site, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown people, taken names, wrong names: told, and nothing is written."""
    before = (site.path / "site.json").read_bytes()
    for status, words in (
        (3, ("nobody-here",)),
        (2, ("ana", "--node", "panel")),
        (2, ("ana", "--node", "operator")),
        (2, ("ana", "--node", "coordinator")),
        (2, ("ana", "--node", "ana-pc")),
        (2, ("ana", "--node", "Not/One+Level")),
        (2, ("ana", "--host", "two words")),
        (2, ("ana", "--revoke", "x")),
    ):
        assert await asyncio.to_thread(command, config, *words) == status, words
    assert (site.path / "site.json").read_bytes() == before


def test_a_certificate_that_signed_itself_goes_with_the_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The workstation trusts just that one; where another has signed, none is invented."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    openssl = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    names = ("-nodes", "-subj", "/CN=edge", "-keyout", "key.pem", "-out", "site.pem")
    subprocess.run([*openssl, *names], cwd=tmp_path, check=True, capture_output=True)
    files = {"tls_certificate": "site.pem", "tls_key": "key.pem"}
    config = settings_file(tmp_path, port=1884, **files)
    assert command(config, "ana", "--host", "edge.north.example") == 0
    said = capsys.readouterr()
    token = read(said.out)
    assert isinstance(token, PopupToken)
    assert (token.tls, token.host) == (True, "edge.north.example")
    assert token.authority is not None
    assert token.authority.strip() == (tmp_path / "site.pem").read_text().strip()
    assert "nobody looked whether it knows ana" in said.err
    assert json.loads((tmp_path / "data/site-credentials.json").read_text())["credentials"][0][
        "person"
    ] == "ana"  # fmt: skip


def test_half_a_token_is_told_from_a_whole_one() -> None:
    """Cut, changed, another's words, too long: a sentence, never a traceback."""
    token = PopupToken(host="edge.example", port=1884, node=POPUP, secret="x" * 43)
    line = written(token)
    assert read(f"  {line[:20]}\n {line[20:]}\n") == token
    changed = line[:30] + ("A" if line[30] != "A" else "B") + line[31:]
    for text in (
        line[:-9],
        line[:-3],
        changed,
        "",
        "hello",
        line * 2000,
        "printmesh1.e30.00000000",
    ):
        assert isinstance(read(text), NotAToken)
    assert token.secret not in repr(token)
