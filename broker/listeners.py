"""Where a broker listens, and the server's side of TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates of a listener, PEM files."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """When set, a client without a certificate of this authority gets no connection."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 picks a free one; `BrokerServer.port` says which."""
    tls: Tls | None = None
    websocket: bool = False
    """MQTT over WebSocket (subprotocol `mqtt`) instead of plain TCP."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the server's side of TLS: 1.2 or newer; client certificates required when declared.

    Raises:
        OSError: a file is missing or not what it should be (`ssl.SSLError` is one).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.client_ca is not None:
        context.load_verify_locations(tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED  # amqtt leaves it optional whatever is declared
    return context


def common_name(connection: ssl.SSLObject | None) -> str | None:
    """Return the common name of the certificate that TLS verified, if the client gave one."""
    certificate: Any = connection.getpeercert() if connection is not None else None
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return None
