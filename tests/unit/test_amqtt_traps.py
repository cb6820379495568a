"""What we lean on inside amqtt, so that a new version fails here, by name, and not in the field."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from amqtt.broker import Broker, Server
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler

from broker.plugin import ClientHandler
from broker.server import EmbeddedBroker


def parameters(function: object) -> list[str]:
    """Return the names of a function's parameters."""
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_it_is_the_version_that_was_read() -> None:
    """Another amqtt means reading broker.py and handler.py again, then changing this line."""
    assert version("amqtt") == "0.12.1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_start_listeners", ["self"]),
        ("_session_monitor", ["self"]),
        ("_client_connected", ["self", "listener_name", "reader", "writer"]),
        ("stream_connected", ["self", "reader", "writer", "listener_name"]),
        ("ws_connected", ["self", "websocket", "listener_name"]),
    ],
)
def test_what_the_broker_overrides_is_there(name: str, expected: list[str]) -> None:
    """Each method of amqtt's broker that ours replaces exists and takes what it took."""
    assert parameters(getattr(Broker, name)) == expected
    assert parameters(getattr(EmbeddedBroker, name)) == expected


def test_the_broker_still_calls_what_is_replaced() -> None:
    """The base's start opens listeners and the monitor by the names that ours override."""
    source = inspect.getsource(Broker.start)
    assert "await self._start_listeners()" in source
    assert "self._session_monitor()" in source
    assert "self._servers" in inspect.getsource(Broker.shutdown)


def test_the_accounts_of_a_listener_are_there() -> None:
    """A listener counts its connections where ours looks."""
    assert parameters(Server) == ["listener_name", "server_instance", "max_connections"]
    assert Server("0", None).conn_count == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("init_from_connect", ["reader", "writer", "plugins_manager", "loop"]),
        ("mqtt_acknowledge_subscription", ["self", "packet_id", "return_codes"]),
        ("mqtt_acknowledge_unsubscription", ["self", "packet_id"]),
        ("handle_pingreq", ["self", "pingreq"]),
    ],
)
def test_what_a_handler_uses_is_there(name: str, expected: list[str]) -> None:
    """Each method of amqtt's handler that ours calls exists and is not shadowed by ours."""
    assert parameters(getattr(BrokerProtocolHandler, name)) == expected
    assert name not in vars(ClientHandler)


def test_no_name_of_ours_hides_one_of_amqtts() -> None:
    """Besides what is replaced on purpose, our classes define nothing that amqtt's have."""
    replaced = {
        "_start_listeners",
        "_session_monitor",
        "_client_connected",
        "stream_connected",
        "ws_connected",
    }
    for ours, theirs in ((EmbeddedBroker, Broker), (ClientHandler, BrokerProtocolHandler)):
        common = {name for name in vars(ours) if hasattr(theirs, name) and name[:2] != "__"}
        assert common <= replaced
    source = inspect.getsource(Broker.__init__) + inspect.getsource(Broker.start)
    for attribute in ("exchange", "guests", "_wanted", "_prove", "_limits", "_knows"):
        assert f"self.{attribute} " not in source, attribute
