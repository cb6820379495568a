"""Settings of the centre's pages: where they are served, to whom, and how people sign in."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator

from config.settings_openid import OidcSettings
from config.settings_parts import Duration, Part
from config.settings_uploads import UploadSettings

#: ISO 639-1.
PageLanguage = Literal["en", "fr", "de", "es"]
StaffRole = Literal["administrator", "site-administrator", "operator", "auditor"]

_SHORTEST = timedelta(minutes=1)


class WebSettings(Part):
    """The pages of the centre, and its interface at the same address."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port; None: no pages. 0: any free one."""
    address: AnyHttpUrl | None = None
    """What people's browsers call it, such as `https://print.example.org`; requests under another
    name are refused. None: host and port as they are."""
    tls_certificate: Path | None = None
    """PEM file: the certificate and its chain."""
    tls_key: Path | None = None
    """PEM file: the certificate's key."""
    plain: bool = False
    """Serve others than this machine without TLS: passwords then cross the network in the clear."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Proxies in front of it, whose word on who asks is taken (`Forwarded`, `X-Forwarded-For`)."""
    languages: Annotated[tuple[PageLanguage, ...], Field(min_length=1)] = ("en", "fr", "de", "es")
    """What is offered; the first where nothing else is known."""
    secret: SecretStr | None = None
    """What hides authenticators in the books, or `secret_file`; None: the coordinator's secret.
    With another one, recovery codes still work, or somebody resets the authenticator."""
    second_factor: tuple[StaffRole, ...] = ("administrator", "site-administrator")
    """Roles that show a code of an authenticator when they sign in; others may."""
    staff_idle: Duration = timedelta(minutes=30)
    """Staff is signed off after so long without a page."""
    staff_longest: Duration = timedelta(hours=12)
    """And after so long in any case."""
    people_idle: Duration = timedelta(hours=12)
    """Everybody else is signed off after so long without a page."""
    people_longest: Duration = timedelta(hours=24)
    """And after so long in any case."""
    remembered: Duration = timedelta(days=30)
    """Unless they ask to be remembered: then after so long."""
    oidc: OidcSettings | None = None
    """Signing in by a provider of OpenID Connect; None: by password alone."""
    uploads: UploadSettings = UploadSettings()
    """Documents that people send here to print them at a site."""
    parts: bool = False
    """Serve `/parts`, a page with every part that pages are made of, for who works on them."""

    @property
    def outside(self) -> str:
        """What people's browsers call it, without a slash at the end; with port 0 not known yet."""
        if self.address is not None:
            return str(self.address).rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls_certificate else ''}://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS, here or at the proxy."""
        return self.outside.startswith("https://")

    @model_validator(mode="after")
    def _nothing_is_overheard(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key together, or neither")
        behind = self.secure and self.trusted_proxies
        if not (self.tls_certificate or self.plain or behind or is_loopback(self.host)):
            raise ValueError(
                "tls_certificate and tls_key wherever others than this machine are served, or an "
                "address with https and the trusted_proxies that have the certificate; plain = "
                "true only where the whole network is trusted"
            )
        return self

    @model_validator(mode="after")
    def _address_is_a_whole_host(self) -> Self:
        if self.address is not None and self.address.path not in {None, "", "/"}:
            raise ValueError("an address without a path: the pages have a name of their own")
        return self

    @model_validator(mode="after")
    def _a_provider_finds_back(self) -> Self:
        if self.oidc is not None and self.port == 0 and self.address is None:
            raise ValueError("an address wherever oidc is given: the provider sends people back")
        return self

    @model_validator(mode="after")
    def _times_make_sense(self) -> Self:
        for idle, longest in (
            (self.staff_idle, self.staff_longest),
            (self.people_idle, self.people_longest),
        ):
            if idle < _SHORTEST:
                raise ValueError("staff_idle and people_idle of at least 1min")
            if longest < idle:
                raise ValueError("each …_longest at least as long as its …_idle")
        return self


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
