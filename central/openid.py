"""What a provider of OpenID Connect says of somebody, as far as it is taken here; pure.

That it was really said is checked before, in `central.web.provider`; whom it means among the
people of the directory is `central.acts.openid`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeGuard

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.settings_openid import OidcSettings

#: OpenID Connect Core 1.0 §2.
_SUBJECT_LONGEST: Final = 255
_TEXT_LONGEST: Final = 255
_GROUP_LONGEST: Final = 120
_GROUPS: Final = 200
#: RFC 8176 §2: several factors were shown.
_SEVERAL: Final = "mfa"


class ProviderSilent(PrintmeshError):
    """The provider cannot be asked at present; says why."""


class NotProven(PrintmeshError):
    """What came by the browser does not show who somebody is; says why, for the log."""


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody on their way there and back; the browser that goes keeps it, sealed."""

    state: str = field(repr=False)
    """Names this way: an answer with another is to something else."""
    nonce: str = field(repr=False)
    """Stands in the token: it was made for this way."""
    verifier: str = field(repr=False)
    """Shows that whoever brings the code is whoever asked for it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody, in the words of their provider."""

    issuer: str
    subject: str
    """What it calls them for ever."""
    who: str
    """Their user name, or their address; in lower case, and not looked at any further."""
    display: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    strong: bool = False
    """They showed two factors there, and that is trusted."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """It says nothing that somebody could be known by."""

    why: str
    """For the log."""


def told(claims: Mapping[str, object], settings: OidcSettings) -> Told | Unusable:
    """Return what is taken of claims that were checked.

    Args:
        claims: of the ID token, and of the provider's userinfo where that lacked some.
        settings: which of them mean what.
    """
    subject, who = claims.get("sub"), found(claims, settings.who)
    if not _is_text(subject, _SUBJECT_LONGEST):
        return Unusable("no subject")
    if not _is_text(who, _TEXT_LONGEST):
        return Unusable(f"no claim {settings.who}")
    if settings.match == "email" and claims.get("email_verified") is not True:
        return Unusable("an address that the provider has not verified")
    who = who.strip().lower()
    if settings.domain is not None:
        name, at, domain = who.rpartition("@")
        if not at or domain != settings.domain.lower():
            return Unusable(f"somebody who is not of {settings.domain}")
        who = name
    amr = claims.get("amr")
    several = isinstance(amr, list) and _SEVERAL in amr
    return Told(
        settings.issuer,
        subject,
        who,
        _line(found(claims, settings.display_claim)),
        _line(claims.get("email")),
        _groups(claims, settings),
        strong=settings.trust_mfa and several,
    )


def wanted(settings: OidcSettings) -> frozenset[str]:
    """Return the claims without which the provider's userinfo is asked as well."""
    names = {settings.who}
    if settings.groups_claim is not None:
        names.add(settings.groups_claim)
    if settings.match == "email":
        names.add("email_verified")
    return frozenset(names)


def found(claims: Mapping[str, object], name: str) -> object:
    """Return a claim; `realm_access.roles` is one within another, unless one is called so."""
    if name in claims:
        return claims[name]
    here: object = claims
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


def _is_text(value: object, longest: int) -> TypeGuard[str]:
    """Say whether it is a word or some that every database takes."""
    if not isinstance(value, str) or len(value) > longest:
        return False
    return bool(value.strip()) and value.isprintable()


def _groups(claims: Mapping[str, object], settings: OidcSettings) -> tuple[str, ...]:
    said = found(claims, settings.groups_claim) if settings.groups_claim is not None else None
    many = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    names = [" ".join(each.split()) for each in many if isinstance(each, str)]
    good = [each for each in names if 0 < len(each) <= _GROUP_LONGEST and each.isprintable()]
    return tuple(dict.fromkeys([*good, *settings.groups]))[:_GROUPS]


def _line(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= _TEXT_LONGEST and text.isprintable() else ""
