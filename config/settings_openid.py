"""Settings of signing in by a provider of OpenID Connect: who it is, and whom it vouches for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from config.settings_parts import Duration, Part

#: RFC 7518 §3.1 and RFC 8037: only what is checked with a key that everybody may know. With a
#: secret that both sides have, whoever can check a token could make one; `none` is none at all.
Signature: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_USUAL_CLAIM: Final = {"name": "preferred_username", "email": "email"}


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise ValueError("an address such as https://id.example.org/realms/school")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address alone, as the provider writes it itself")
    return value


Issuer = Annotated[str, StringConstraints(max_length=500), AfterValidator(_issuer)]
Claim = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
Domain = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Group = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class OidcSettings(Part):
    """A provider by which people sign in (OpenID Connect Core 1.0, code flow with PKCE)."""

    issuer: Issuer
    """Its name, octet for octet as it says it itself; below it is what it tells of itself."""
    client_id: _Text
    """What it calls this centre."""
    secret: SecretStr | None = None
    """What this centre shows it, or `secret_file`; None: a public client, by PKCE alone."""
    label: Annotated[str, StringConstraints(max_length=60)] = ""
    """What people call it, on the button; empty: its host."""
    scopes: tuple[_Text, ...] = ("openid", "profile", "email")
    """What it is asked for."""
    match: Literal["name", "email"] = "name"
    """name: the claim is the user name. email: it is the address of exactly one person."""
    claim: Claim | None = None
    """Which one says who somebody is; None: `preferred_username`, or `email`."""
    domain: Domain | None = None
    """match = "name": what stands behind the @ of everybody here; it is taken off, and who has
    another one is nobody."""
    display_claim: Claim = "name"
    """What people read of somebody who is entered."""
    groups_claim: Claim | None = None
    """Which one lists somebody's groups, for people who were entered by it; None: it tells none."""
    create: bool = False
    """Enter whoever is not known yet, with an empty account of their own."""
    groups: tuple[_Group, ...] = ()
    """Groups that they are in besides."""
    only: bool = False
    """Passwords open pages for administrators alone; everybody else comes by the provider."""
    staff_by_claim: bool = False
    """Who has a role is known by the claim as well; without, they join the two themselves once."""
    trust_mfa: bool = False
    """Its word that somebody showed two factors (`amr` with `mfa`, RFC 8176) is enough here."""
    algorithms: Annotated[tuple[Signature, ...], Field(min_length=1)] = (
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
    )
    """Signatures that are taken."""
    ca: Path | None = None
    """PEM file of the authority to trust; None: the system's."""
    timeout: Duration = timedelta(seconds=10)
    """Longest wait for an answer."""

    @property
    def who(self) -> str:
        """The claim that says who somebody is."""
        return self.claim or _USUAL_CLAIM[self.match]

    @property
    def called(self) -> str:
        """What people call it."""
        return self.label or str(urlsplit(self.issuer).hostname)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.secret is not None and not self.secret.get_secret_value():
            raise ValueError("a secret that is not empty, or none")
        if "openid" not in self.scopes:
            raise ValueError("openid among the scopes")
        if self.match == "email" and (self.create or self.domain is not None):
            raise ValueError('match = "name" wherever create or domain is given')
        if not timedelta(seconds=1) <= self.timeout <= timedelta(minutes=1):
            raise ValueError("timeout of 1s to 60s")
        return self
