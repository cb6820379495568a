"""Settings of what ordinary monitoring asks an edge over HTTP: health, and figures."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from config.settings_parts import Part


class MonitoringSettings(Part):
    """`/health` and `/metrics` of an edge; off without a port."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port to listen at, 0 takes a free one; None: nothing listens."""
    token: SecretStr | None = None
    """What is shown for the figures (`Authorization: Bearer …`), or `token_file`; None: nothing."""

    @model_validator(mode="after")
    def _nobody_reads_from_afar_unasked(self) -> Self:
        shown = self.token is not None and bool(self.token.get_secret_value())
        if self.port is not None and not shown and not _is_here(self.host):
            raise ValueError("a token (or token_file) wherever host is not this machine itself")
        return self


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
