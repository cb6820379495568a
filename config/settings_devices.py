"""Settings of how a site's printers are asked how they are: SNMP profiles, pace, what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from config.settings_parts import Duration, Part

#: Keys are made of pass phrases; shorter ones are refused by RFC 3414 §11.2.
_PHRASE = 8
#: What a profile is called.
ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
_Phrase = Annotated[SecretStr, Field(min_length=_PHRASE)]


class SnmpProfile(Part):
    """How printers of one kind are asked by SNMP."""

    version: Literal["1", "2c", "3"] = "2c"
    """Which SNMP."""
    port: Annotated[int, Field(ge=1, le=65535)] = 161
    """UDP port."""
    community: SecretStr | None = None
    """For versions 1 and 2c, or `community_file`; None: `public`."""
    user: Annotated[str, StringConstraints(min_length=1, max_length=32)] | None = None
    """For version 3: who asks (usmUserName, RFC 3414)."""
    authentication: Literal["sha1", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    """For version 3 (RFC 3414, RFC 7860)."""
    authentication_key: _Phrase | None = None
    """For version 3: pass phrase, or `authentication_key_file`."""
    privacy: Literal["aes128", "aes192", "aes256"] = "aes128"
    """For version 3 (RFC 3826; longer keys as most makers do)."""
    privacy_key: _Phrase | None = None
    """For version 3: pass phrase, or `privacy_key_file`."""
    timeout: Duration = timedelta(seconds=2)
    """How long one answer is waited for."""
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a question is asked again."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        three = (self.user, self.authentication_key, self.privacy_key)
        if self.version == "3" and None in three:
            raise ValueError("user, authentication_key and privacy_key for version 3")
        if self.version != "3" and three != (None, None, None):
            raise ValueError("version = 3 wherever user or keys are given")
        if self.version == "3" and self.community is not None:
            raise ValueError("no community for version 3")
        return self


class DeviceSettings(Part):
    """How the printers of the site are watched."""

    at_once: Annotated[int, Field(ge=1, le=200)] = 20
    """Printers asked at the same time; more of them lose each other's answers."""
    busy: Duration = timedelta(seconds=10)
    """Between two looks at a printer that prints or is in trouble."""
    idle: Duration = timedelta(seconds=60)
    """At one that waits for work."""
    asleep: Duration = timedelta(minutes=10)
    """At one that sleeps: a look may wake it."""
    silent: Duration = timedelta(minutes=15)
    """The longest between two looks at one that does not answer; it begins with `busy`."""
    snapshot: Duration = timedelta(seconds=10)
    """What changes slowly (levels, meters) is told at most so often; states and alerts at once."""
    low: Annotated[int, Field(ge=1, le=90)] = 10
    """Percent at which a supply is low; it is not low any more 5 above."""
    days_low: Annotated[int, Field(ge=0, le=60)] = 5
    """Days of use left at which a supply is low, where its use is known; 0: not looked at."""
    offline_after: Duration = timedelta(minutes=3)
    """Silence after which a printer counts as offline."""
    search: tuple[Annotated[str, StringConstraints(max_length=64)], ...] = ()
    """Ranges such as `10.1.2.0/24` in which a printer that moved is looked for by its serial."""

    @model_validator(mode="after")
    def _paces_make_sense(self) -> Self:
        if self.busy < timedelta(milliseconds=100):
            raise ValueError("busy of at least 100ms")
        if not self.busy <= self.idle <= self.asleep:
            raise ValueError("busy, idle and asleep in this order, the shortest first")
        return self
