"""Settings of where people come from: directory services (LDAP), and guests for a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from config.settings_parts import Duration, Part

Preset: TypeAlias = Literal["openldap", "active-directory"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SOONEST: Final = timedelta(minutes=1)
_LONGEST_STAY: Final = timedelta(days=3660)


def _ldap_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError("an address such as ldaps://directory.example.org")
    if parts.username or parts.password or parts.query:
        raise ValueError("an address without a name and a secret; these are bind_dn and secret")
    return value.rstrip("/")


LdapUrl = Annotated[str, AfterValidator(_ldap_url)]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Attribute = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9;-]{0,63}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class LdapAttributes(Part):
    """What is called what there; None: as the preset has it."""

    name: Attribute | None = None
    """The user name, as jobs carry it."""
    display: Attribute | None = None
    """What people read."""
    email: Attribute | None = None
    department: Attribute | None = None
    cards: Attribute | None = None
    """Numbers of cards as readers give them; no preset has one."""
    id: Attribute | None = None
    """What never changes, whatever somebody is called."""


class LdapGroups(Part):
    """How groups are told; None: as the preset has it."""

    by: Literal["member-of", "search", "none"] | None = None
    """member-of: each person's entry names their groups. search: each group's names its people."""
    base: _Text | None = None
    """Below which groups are; None: anywhere (member-of), below the service's base (search)."""
    filter: _Text | None = None
    """search: which entries are groups."""
    member: Attribute | None = None
    """search: where a group names its people, by their entry or by their user name."""
    name: Attribute | None = None
    """search: what a group is called."""


class LdapSettings(Part):
    """A directory service that people come from."""

    name: SourceName
    """What it is called here, for ever: people of it are its own."""
    url: LdapUrl
    """`ldaps://…`; `ldap://…` is made secure by StartTLS before anything is said."""
    preset: Preset = "openldap"
    """What attributes and filters are unless the keys below say otherwise."""
    ca: Path | None = None
    """PEM file of the authority to trust; None: the system's."""
    start_tls: bool = True
    """With `ldap://`; false only to this machine itself."""
    bind_dn: str = ""
    """As whom it is read; empty: as nobody."""
    secret: SecretStr | None = None
    """The password for that, or `secret_file`: the path of a file that holds it."""
    base: _Text
    """Below which people are, like `ou=people,dc=example,dc=org`."""
    filter: _Text | None = None
    """Which entries are people; None: as the preset has it."""
    attributes: LdapAttributes = LdapAttributes()
    """What is called what there."""
    groups: LdapGroups = LdapGroups()
    """How groups are told."""
    page_size: Annotated[int, Field(ge=10, le=5000)] = 500
    """Entries asked for at once; Active Directory gives 1000 at most."""
    timeout: Duration = timedelta(seconds=30)
    """Longest wait for an answer."""
    every: Duration | None = None
    """How often it is read of itself; None: only by `printmesh central import ldap`."""
    adopt: bool = False
    """People of the same user name that were entered by hand become its own."""
    brake_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    """When more of its people than that would be disabled, 5 at least, nothing is done until
    somebody confirms the number."""
    sign_in: bool = False
    """Its people sign in at the centre with their password there."""

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        host = urlsplit(self.url).hostname or ""
        plain = self.url.startswith("ldap://") and not self.start_tls
        if plain and host not in _LOOPBACK:
            raise ValueError("ldaps://, or start_tls = true: passwords are not sent in clear")
        if self.bind_dn and (self.secret is None or not self.secret.get_secret_value()):
            raise ValueError("a secret (or secret_file) wherever bind_dn is given")
        if self.every is not None and self.every < _SOONEST:
            raise ValueError("every of at least 1min")
        if self.timeout < timedelta(seconds=1):
            raise ValueError("timeout of at least 1s")
        return self


class GuestSettings(Part):
    """People for a time."""

    enabled: bool = False
    """Guests may be made."""
    longest: Duration = timedelta(days=30)
    """How long one may stay at most; they are disabled then."""
    usual: Duration = timedelta(days=1)
    """How long one stays when nobody says otherwise."""
    groups: tuple[Annotated[str, StringConstraints(min_length=1, max_length=120)], ...] = (
        "guests",
    )
    """Which groups they are in: rules say what they may print."""
    ask: bool = False
    """People ask to be let in at `/register`; the desk sees them and makes them guests."""
    ask_lasts: Duration = timedelta(days=7)
    """Their wish is forgotten after so long."""

    @model_validator(mode="after")
    def _times_make_sense(self) -> Self:
        if not timedelta(minutes=1) <= self.usual <= self.longest <= _LONGEST_STAY:
            raise ValueError("usual of at least 1min, longest at least as long, of 3660d at most")
        if self.ask and not self.enabled:
            raise ValueError("enabled = true wherever ask is")
        if not timedelta(minutes=10) <= self.ask_lasts <= timedelta(days=90):
            raise ValueError("ask_lasts of 10min to 90d")
        return self
