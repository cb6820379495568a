"""Where a broker listens, the server's side of TLS, and both as the settings declare them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.exchange import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import BrokerFields


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


def listeners_of(settings: BrokerFields) -> tuple[Listener, ...]:
    """Return the listeners that settings declare: MQTT, then WebSocket if there is one."""
    tls = None
    if settings.tls_certificate is not None and settings.tls_key is not None:
        tls = Tls(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    plain = Listener(settings.host, settings.port, tls)
    if settings.websocket_port is None:
        return (plain,)
    return plain, Listener(settings.host, settings.websocket_port, tls, websocket=True)


def limits_of(settings: BrokerFields) -> Limits:
    """Return the limits that settings declare; the rest stays as it is by default."""
    return Limits(
        max_packet_bytes=settings.max_packet_bytes,
        max_queued_messages=settings.max_queued_messages,
        max_queued_bytes=settings.max_queued_bytes,
    )


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the server's side of TLS: 1.2 or newer; client certificates required when declared.

    Raises:
        OSError: a file is missing or not what it should be; its words name the files.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise OSError(f"certificate {tls.certificate} with key {tls.key}: {error}") from error
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except OSError as error:
            raise OSError(f"client authority {tls.client_ca}: {error}") from error
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
