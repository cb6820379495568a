"""What watchers are told: `printmesh watch`, and the exporter for Home Assistant."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import SettingsConfigDict

from config.ids import NodeId
from config.settings import LinkSettings
from config.settings_file import Settings
from config.settings_parts import Duration

#: An MQTT user name of a broker that is not ours.
_UserName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,64}$")]
#: Levels of a topic, without wildcards.
_Levels = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
_SHORTEST = timedelta(seconds=10)


class WatchSettings(Settings):
    """The process `printmesh watch`; `printmesh central dashboard add NAME --out` writes them."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_WATCH_")

    node: NodeId
    """The dashboard's id: its MQTT user name."""
    broker: LinkSettings
    """The broker to listen at: the centre's, or a site's own."""


class ForeignBroker(LinkSettings):
    """A broker of somebody else's."""

    username: _UserName | None = None
    """MQTT user name and client id; None: the id of the dashboard."""
    secret: Annotated[SecretStr, Field(min_length=1)] = SecretStr("none")
    """Its password; a broker that lets everybody in does not look at it."""


class HomeAssistantSettings(Settings):
    """The process `printmesh broker home-assistant`."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_HOME_ASSISTANT_")

    node: NodeId
    """The dashboard's id: its MQTT user name at our broker."""
    broker: LinkSettings
    """Our broker, where it listens: the centre's, or a site's own."""
    home_assistant: ForeignBroker
    """The broker that Home Assistant listens at."""
    prefix: _Levels = "homeassistant"
    """Home Assistant's discovery prefix."""
    states: Literal["passed-on", "ours"] = "passed-on"
    """`passed-on`: states are published there as well. `ours`: it is the same broker, so only
    what there is is announced."""
    settle: Duration = timedelta(minutes=10)
    """A printer that its linked site has not spoken of for so long is taken out."""

    @model_validator(mode="after")
    def _are_two_clients(self) -> Self:
        here, there = self.broker, self.home_assistant
        same = (here.host, here.port) == (there.host, there.port)
        if same and (there.username or self.node) == (here.username or self.node):
            raise ValueError(
                "another username for home_assistant where it is the same broker: a broker lets "
                "only the newest client of a name live"
            )
        return self

    @model_validator(mode="after")
    def _waits_for_states(self) -> Self:
        if self.settle < _SHORTEST:
            raise ValueError("settle of at least 10s")
        return self
