"""Settings from file and environment: what wins, what is refused and how, and the samples."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import as_file, files
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import ValidationError

from config.settings import (
    BrokerSettings,
    CentralSettings,
    EdgeSettings,
    Problem,
    Settings,
    SettingsError,
    load,
)
from config.settings_dashboard import HomeAssistantSettings, WatchSettings
from config.settings_popup import PopupSettings
from config.settings_terminal import TerminalSettings

if TYPE_CHECKING:
    from pathlib import Path

EDGE = """
node = "edge-1"
site = "North"
data = "journal"
[coordinator]
incarnation = "018f0000-0000-7000-8000-000000000000"
[link]
secret = "hush-hush"
"""


def written(tmp_path: Path, text: str) -> Path:
    """Write a settings file."""
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(
    cls: type[Settings], path: Path | None, environ: dict[str, str] | None = None
) -> tuple[Problem, ...]:
    """Return the problems of settings that must be refused; no secret is among them."""
    with pytest.raises(SettingsError) as caught:
        load(cls, path, environ=environ or {})
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value.__cause__)
    return caught.value.problems


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (BrokerSettings, "broker"),
        (CentralSettings, "central"),
        (EdgeSettings, "edge"),
        (HomeAssistantSettings, "home-assistant"),
        (PopupSettings, "popup"),
        (TerminalSettings, "terminal"),
        (WatchSettings, "watch"),
    ],
)
def test_the_sample_loads_and_is_complete(cls: type[Settings], name: str) -> None:
    """Each sample loads, and names every key that there is."""
    sample = files("config") / "samples" / f"{name}.toml"
    with as_file(sample) as path:
        load(cls, path, environ={})
    text = sample.read_text(encoding="utf-8")
    for key in cls.model_fields:
        assert f"\n{key} =" in text or f"[{key}]" in text or f"# {key}" in text, key


def test_the_brokers_sample_shows_the_defaults() -> None:
    """What the sample calls a default is one."""
    with as_file(files("config") / "samples" / "broker.toml") as path:
        shown = load(BrokerSettings, path, environ={})
    assert shown == BrokerSettings(credentials=shown.credentials)


def test_the_edges_sample_says_what_it_says() -> None:
    """Nested tables, lists and durations arrive."""
    with as_file(files("config") / "samples" / "edge.toml") as path:
        edge = load(EdgeSettings, path, environ={})
    assert [queue.kind for queue in edge.queues] == ["pull", "direct"]
    assert edge.printers[1].queue == "printer-library-2"
    assert edge.disputes_after == timedelta(hours=24)
    assert edge.coordinator.incarnation == UUID("018f0000-0000-7000-8000-000000000000")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Also within tables, for lists as JSON, and for durations; what it leaves stays."""
    path = written(tmp_path, EDGE)
    environ = {
        "PRINTMESH_EDGE_SITE": "123",  # a text, though it looks like a number
        "PRINTMESH_EDGE_LINK__PORT": "8883",
        "PRINTMESH_EDGE_LINK__TLS": "true",
        "PRINTMESH_EDGE_DISPUTES_AFTER": "90min",
        "PRINTMESH_EDGE_QUEUES": '[{"name": "q", "kind": "pull"}]',
        "PRINTMESH_EDGE_CUPS": '{"notifier": false}',
        "PRINTMESH_CENTRAL_NODE": "somebody-else",  # another process's
        "PATH": "/bin",
    }
    edge = load(EdgeSettings, path, environ=environ)
    assert (edge.node, edge.site) == ("edge-1", "123")
    assert (edge.link.port, edge.link.tls) == (8883, True)
    assert edge.link.secret.get_secret_value() == "hush-hush"
    assert edge.disputes_after == timedelta(minutes=90)
    assert edge.queues[0].name == "q"
    assert edge.cups.notifier is False


def test_the_environment_alone_suffices() -> None:
    """No file is needed; and the process's own environment is not read unasked."""
    broker = load(BrokerSettings, None, environ={"PRINTMESH_BROKER_CREDENTIALS": "c.json"})
    assert broker == BrokerSettings(credentials=broker.credentials)
    assert broker.credentials.is_absolute()
    assert broker.credentials.name == "c.json"


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    """PRINTMESH_EDGE_CONFIG is the path of the file, not a key."""
    path = written(tmp_path, EDGE)
    assert load(EdgeSettings, None, environ={"PRINTMESH_EDGE_CONFIG": str(path)}).site == "North"


def test_paths_in_the_file_start_from_its_directory(tmp_path: Path) -> None:
    """The same file means the same wherever the process is started."""
    edge = load(EdgeSettings, written(tmp_path, EDGE), environ={})
    assert edge.data == tmp_path / "journal"


def test_a_relative_file_makes_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths do not change their meaning in a program that is run in another directory."""
    file = written(tmp_path, EDGE).relative_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    edge = load(EdgeSettings, file, environ={"PRINTMESH_EDGE_SITE_BROKER__CREDENTIALS": "a"})
    assert edge.data == tmp_path / "journal"
    assert edge.site_broker.credentials == tmp_path / "a"


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """File, dotted key, what was given, what was expected; unknown keys with the nearest one."""
    path = written(
        tmp_path,
        """
        node = "Edge 1"
        siet = "North"
        data = "journal"
        disputes_after = "1 fortnight"
        events_keep_days = 3
        [coordinator]
        incarnation = "none"
        [link]
        port = 99999
        secert = "hush"
        secret = "hush"
        [[queues]]
        name = "a b"
        kind = "push"
        """,
    )
    problems = {each.key: each for each in refused(EdgeSettings, path)}
    assert {str(path)} == {each.where for each in problems.values()}
    told = {key: (each.given, each.expected) for key, each in problems.items()}
    assert told["siet"] == ("an unknown key", "site?")
    assert told["link.secert"] == ("an unknown key", "secret?")
    assert told["site"] == ("nothing", "a value")
    assert told["link.port"] == ("99999", "less than or equal to 65535")
    assert told["events_keep_days"] == ("3", "greater than or equal to 30")
    assert told["queues.0.kind"] == ("'push'", "'pull' or 'direct'")
    assert told["disputes_after"][0] == "'1 fortnight'"
    assert "24h" in told["disputes_after"][1]
    assert {"node", "coordinator.incarnation", "queues.0.name"} < told.keys()


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path) -> None:
    """A bad or unknown variable is named as people wrote it."""
    environ = {
        "PRINTMESH_EDGE_LINK__PORT": "many",
        "PRINTMESH_EDGE_LINK__HSOT": "x",
        "PRINTMESH_EDGE_SIET": "x",
        "PRINTMESH_EDGE_QUEUES": "print2me",
    }
    problems = refused(EdgeSettings, written(tmp_path, EDGE), environ)
    assert {
        ("PRINTMESH_EDGE_LINK__PORT", "link.port", "'many'"),
        ("PRINTMESH_EDGE_LINK__HSOT", "link.hsot", "an unknown key"),
        ("PRINTMESH_EDGE_SIET", "siet", "an unknown key"),
        ("PRINTMESH_EDGE_QUEUES", "queues", "'print2me'"),
    } == {(each.where, each.key, each.given) for each in problems}


def test_a_variable_may_not_be_a_value_and_a_table(tmp_path: Path) -> None:
    """`LINK` and `LINK__PORT` together are ambiguous."""
    environ = {"PRINTMESH_EDGE_NODE": "e", "PRINTMESH_EDGE_NODE__X": "y"}
    problems = refused(EdgeSettings, written(tmp_path, EDGE), environ)
    assert "PRINTMESH_EDGE_NODE__X" in {each.where for each in problems}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"node = \n", "line 1"),
        (b"a = 1\nb = 2\na = 3\n", "line 3"),
        (b'site = "\xff"\n', "octet 8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_place(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """TOML's faults with their line, others with what the system says."""
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    (problem,) = refused(EdgeSettings, path)
    assert str(path) == problem.where
    assert expected in problem.given


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """Its path starts from the settings' directory; white space around the secret is no part."""
    (tmp_path / "secret").write_text(" hush-file \n", encoding="utf-8")
    path = written(tmp_path, EDGE.replace('secret = "hush-hush"', 'secret_file = "secret"'))
    secret = load(EdgeSettings, path, environ={}).link.secret
    assert secret.get_secret_value() == "hush-file"


def test_a_secret_of_the_environment_wins_over_the_files_path(tmp_path: Path) -> None:
    """The layers stay layers, however each gives its secret."""
    (tmp_path / "secret").write_text("hush-file", encoding="utf-8")
    path = written(tmp_path, EDGE.replace('secret = "hush-hush"', 'secret_file = "secret"'))
    environ = {"PRINTMESH_EDGE_LINK__SECRET": "hush-environment"}
    secret = load(EdgeSettings, path, environ=environ).link.secret
    assert secret.get_secret_value() == "hush-environment"


def test_a_secrets_file_may_come_from_the_environment(tmp_path: Path) -> None:
    """`…_file` works there too."""
    (tmp_path / "code").write_text("hush-code", encoding="utf-8")
    environ = {"PRINTMESH_EDGE_ENROLMENT_CODE_FILE": str(tmp_path / "code")}
    code = load(EdgeSettings, written(tmp_path, EDGE), environ=environ).enrolment_code
    assert code is not None
    assert code.get_secret_value() == "hush-code"


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ('secret_file = "absent"', "No such file"),
        ('secret = "hush"\nsecret_file = "secret"', "secret as well"),
        ("secret = 5", "a int"),
        ('secret = ""', "a str"),
        ("", "nothing"),
    ],
)
def test_a_wrong_secret_is_told_without_showing_it(tmp_path: Path, line: str, given: str) -> None:
    """Absent, given twice, or of the wrong type."""
    (tmp_path / "secret").write_text("hush", encoding="utf-8")
    path = written(tmp_path, EDGE.replace('secret = "hush-hush"', line))
    (problem,) = refused(EdgeSettings, path)
    assert problem.key.startswith("link.secret")
    assert given in problem.given


PROFILES = """
[snmp.guarded]
version = "3"
user = "printmesh"
authentication_key_file = "prove"
privacy_key_file = "hide"
[snmp.office]
community_file = "community"
"""


def test_secrets_of_profiles_may_lie_in_files(tmp_path: Path) -> None:
    """Tables that people name are read like all others, as the sample and the docs show them."""
    for name in ("prove", "hide", "community"):
        (tmp_path / name).write_text(f"hush of {name}\n", encoding="utf-8")
    snmp = load(EdgeSettings, written(tmp_path, EDGE + PROFILES), environ={}).snmp
    secrets = (
        snmp["guarded"].authentication_key,
        snmp["guarded"].privacy_key,
        snmp["office"].community,
    )
    assert [each and each.get_secret_value() for each in secrets] == [
        "hush of prove",
        "hush of hide",
        "hush of community",
    ]


def test_a_profile_may_come_from_the_environment(tmp_path: Path) -> None:
    """One key of it, beside the file, or all of them as JSON."""
    environ = {
        "PRINTMESH_EDGE_SNMP__OFFICE__COMMUNITY": "hush",
        "PRINTMESH_EDGE_SNMP__LAB__PORT": "1",
    }
    snmp = load(EdgeSettings, written(tmp_path, EDGE), environ=environ).snmp
    assert snmp["office"].community is not None
    assert snmp["office"].community.get_secret_value() == "hush"
    assert snmp["lab"].port == 1
    environ = {"PRINTMESH_EDGE_SNMP": '{"lab": {"port": 2}}'}
    assert load(EdgeSettings, written(tmp_path, EDGE), environ=environ).snmp["lab"].port == 2


@pytest.mark.parametrize(
    ("lines", "key", "given"),
    [
        # a phrase that is too short is a secret all the same
        (
            'version="3"\nuser="u"\nauthentication_key="hush"\nprivacy_key="hush-hush"',
            "authentication_key",
            "a str",
        ),
        ('community = ["hush"]', "community", "a list"),
        ('community_file = "absent"', "community_file", "No such file"),
        ('community = "hush"\ncommunity_file = "absent"', "community_file", "as well"),
        ('comunity = "hush"', "comunity", "an unknown key"),
        ('version = "3"\ncommunity = "hush"', "", "these values together"),
    ],
)
def test_a_wrong_profile_is_told_without_its_secrets(
    tmp_path: Path, lines: str, key: str, given: str
) -> None:
    """By its dotted key, as every other table."""
    (problem,) = refused(EdgeSettings, written(tmp_path, f"{EDGE}[snmp.office]\n{lines}\n"))
    assert problem.key == f"snmp.office.{key}".rstrip(".")
    assert given in problem.given


def test_a_profile_without_a_name_shows_no_secret(tmp_path: Path) -> None:
    """`[snmp]` instead of `[snmp.office]`: the community is taken for a table."""
    (problem,) = refused(EdgeSettings, written(tmp_path, f'{EDGE}[snmp]\ncommunity = "hush"\n'))
    assert (problem.key, problem.given) == ("snmp.community", "a str")


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """Neither repr nor str nor a dump for logs shows a secret."""
    edge = load(EdgeSettings, written(tmp_path, EDGE), environ={})
    assert "hush" not in f"{edge!r} {edge} {edge.model_dump_json()}"


def test_settings_are_frozen(tmp_path: Path) -> None:
    """Nothing changes after the start."""
    edge = load(EdgeSettings, written(tmp_path, EDGE), environ={})
    with pytest.raises(ValidationError):
        edge.site = "South"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        edge.link.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('[[queues]]\nname="q"\nkind="direct"', "a printer for kind = direct"),
        ('[[queues]]\nname="q"\nkind="direct"\nprinter="p"', "unknown: p"),
        ('[[queues]]\nname="q"\nkind="pull"\nprinter="p"', "none for kind = pull"),
        ('[[queues]]\nname="q"\nkind="pull"\n' * 2, "queue name once; twice: q"),
        (
            '[[printers]]\nid="p"\nname="P"\nuri="ipp://h/p"\nqueue="q"\n' * 2,
            "printer id once; twice: p",
        ),
        ('[[printers]]\nid="p"\nname="P"\nuri="socket://h"\nqueue="q"', "matches"),
        ('[[printers]]\nid="p"\nname="P"\nuri="ipp://u:hush@h/p"\nqueue="q"', "matches"),
        ('[site_broker]\ntls_key="k"', "together, or neither"),
        ('[site_broker]\ntls_client_ca="k"', "wherever tls_client_ca"),
        ('[cups]\npoll_every="0.5h"', "a duration"),
        # CUPS knows us by the kernel's word, which it has over its socket alone
        ('[cups]\nserver="localhost:631"', "not host:port"),
        ('[cups]\nserver="cups.sock"', "such as /run/cups/cups.sock"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    tmp_path: Path, more: str, expected: str
) -> None:
    """Each rule between two keys says what it wants."""
    path = written(tmp_path, EDGE + more)
    with pytest.raises(SettingsError) as caught:
        load(EdgeSettings, path, environ={})
    assert expected in str(caught.value)


CENTRAL = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "hush"
"""


def test_the_books_are_in_sqlite_unless_a_url_says_otherwise(tmp_path: Path) -> None:
    """The default URL names a file within `data`; a given one is kept secret."""
    central = load(CentralSettings, written(tmp_path, CENTRAL), environ={})
    assert central.url == f"sqlite:///{tmp_path / 'books' / 'books.db'}"
    assert central.second_log_directory == tmp_path / "books" / "second-log"
    environ = {"PRINTMESH_CENTRAL_DATABASE_URL": "postgresql://u:hush@h/db"}
    other = load(CentralSettings, written(tmp_path, CENTRAL), environ=environ)
    assert other.url == "postgresql://u:hush@h/db"
    assert "hush" not in repr(other)


def test_the_embedded_broker_shares_the_credentials(tmp_path: Path) -> None:
    """It takes the file that central writes, unless it names its own."""
    central = load(
        CentralSettings, written(tmp_path, CENTRAL + "[embedded_broker]\nport = 0"), environ={}
    )
    assert central.embedded_broker is not None
    assert central.embedded_broker.credentials == central.credentials
    own = CENTRAL + '[embedded_broker]\ncredentials = "own.json"'
    other = load(CentralSettings, written(tmp_path, own), environ={})
    assert other.embedded_broker is not None
    assert other.embedded_broker.credentials == tmp_path / "own.json"


@pytest.mark.parametrize("token", ["", 'token = ""'])
def test_the_api_does_not_open_without_a_token(tmp_path: Path, token: str) -> None:
    """A port without a token is refused."""
    path = written(tmp_path, f"{CENTRAL}[api]\nport = 8080\n{token}")
    (problem,) = refused(CentralSettings, path)
    assert problem.key == "api"


def test_a_link_with_an_authority_is_encrypted(tmp_path: Path) -> None:
    """`tls_ca` without `tls` would be a silent downgrade."""
    (problem,) = refused(CentralSettings, written(tmp_path, CENTRAL + 'tls_ca = "ca.pem"'))
    assert problem.key == "broker"
