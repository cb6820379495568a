"""What is exported to Mosquitto: exact lines, default deny, never without a secret."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from broker import mosquitto
from broker.credentials import Credential, hash_of
from broker.exchange import Limits
from broker.listeners import Listener, Tls
from broker.topics import Party

HOME = Path("/etc/mosquitto/printmesh")
KNOWN = [
    Credential(name="wall", party=Party.DASHBOARD, hash=hash_of("w")),
    Credential(name="edge-1", party=Party.NODE, hash=hash_of("e")),
]


def compose(*listeners: Listener) -> mosquitto.Export:
    """Compose with both credentials known."""
    lines = {entry.name: f"{entry.name}:x" for entry in KNOWN}
    return mosquitto.compose(HOME, listeners, Limits(), KNOWN, lines)


def test_a_password_line_is_what_mosquitto_passwd_writes() -> None:
    """PBKDF2-HMAC-SHA512, 101 rounds, base64: a line made by mosquitto_passwd 2.0.11."""
    made = (
        "edge-1:$7$101$D9xQrWnic77nqZkY$5LR5EdyBeKpF4s84gqBHFMoPDWHTol0jdybTGklL18r9XFjHWne6CQs+"
        "lJklcMxLm50n5yknCLspcJMHCysq/A=="
    )
    salt = base64.b64decode(made.split("$")[3])
    assert made == mosquitto.password_line("edge-1", "secret", salt)


def test_each_identity_has_just_its_lines() -> None:
    """A node writes under its own name; a dashboard only reads; nobody has a pattern."""
    sections = compose(Listener(port=1)).acl.split("user ")[1:]
    node, wall = sections
    assert node.startswith("edge-1\n")
    assert "topic write pm/v1/up/edge-1/status\n" in node
    assert "topic read pm/v1/down/edge-1/#\n" in node
    assert wall.startswith("wall\n")
    assert "write" not in wall
    assert "topic read pm/v1/up/+/status\n" in wall
    assert "pattern" not in "".join(sections)


def test_settings_that_count_for_a_listener_stand_below_each() -> None:
    """Mosquitto applies use_username_as_clientid to the listener above it only."""
    tls = Tls(Path("c.pem"), Path("k.pem"), Path("ca.pem"))
    text = compose(Listener(port=1), Listener("0.0.0.0", 2, tls, websocket=True)).configuration  # noqa: S104
    before, first, second = text.split("listener ")[0], *text.split("\nlistener ")[1:]
    assert "use_username_as_clientid" not in before
    for part in (first, second):
        assert "\nuse_username_as_clientid true\n" in part
    assert "require_certificate true" in second
    assert "protocol websockets" in second
    assert "allow_anonymous false" in before


def test_no_message_waits_behind_an_acknowledgement() -> None:
    """Nagle's algorithm, which Mosquitto leaves on, is off for every listener."""
    assert "\nset_tcp_nodelay true\n" in compose(Listener(port=1)).configuration


def test_a_name_without_a_secret_stops_the_export() -> None:
    """Secrets are given, or lines are there already; else the export says who lacks one."""
    with pytest.raises(mosquitto.ExportRefusedError, match="no secret for edge-1:"):
        mosquitto.password_lines(KNOWN, {"wall": "w"}, "", bytes)
    lines = mosquitto.password_lines(KNOWN, {"wall": "w"}, "edge-1:kept\ngone:x\n", bytes)
    assert list(lines) == ["wall", "edge-1"]
    assert lines["edge-1"] == "edge-1:kept"
