"""What panels are told: where their pages are served, and who stands at the machine."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, model_validator

from config.settings_parts import Part

Way = Literal["card", "pin", "password"]
#: ISO 639-1.
PanelLanguage = Literal["en", "fr", "de", "es"]


class WebSettings(Part):
    """Where the pages of this process's panels are served."""

    host: str = "127.0.0.1"
    """Address to listen at; copiers, tablets and phones have to reach it."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8632
    """Port; 0: any free one."""
    tls_certificate: Path | None = None
    """PEM file: the certificate and its chain."""
    tls_key: Path | None = None
    """PEM file: the certificate's key."""
    plain: bool = False
    """Serve others than this machine without TLS: PINs then cross the network in the clear."""
    address: AnyHttpUrl | None = None
    """What people's browsers call it, for QR codes; None: host and port as they are."""

    @property
    def outside(self) -> str:
        """What people's browsers call it, without a slash at the end."""
        if self.address is not None:
            return str(self.address).rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls_certificate else ''}://{host}:{self.port}"

    @model_validator(mode="after")
    def _nothing_is_overheard(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key together, or neither")
        if self.tls_certificate is None and not self.plain and not _is_loopback(self.host):
            raise ValueError(
                "tls_certificate and tls_key wherever others than this machine are served; "
                "plain = true only where the network between panel and machine is trusted"
            )
        return self


class PanelSettings(Part):
    """A panel: pages for the screen at a machine, and for phones beside it."""

    screen: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses of the screen at the machine, for browsers that forget a pairing; whoever has one
    of these is taken for it. Others are paired: `printmesh terminal pair`."""
    ways: tuple[Way, ...] = ("card", "pin", "password")
    """How people sign in, the usual one first."""
    languages: Annotated[tuple[PanelLanguage, ...], Field(min_length=1)] = ("en", "fr", "de", "es")
    """What is offered; the first while nobody is known."""
    help: AnyHttpUrl | None = None
    """Page where people see their money and fetch a code; shown as a QR code to who is short."""
    phones: bool = True
    """People may use their phones here too."""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
