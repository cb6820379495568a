"""What a workstation's pop-up is told: which site, as which node, how it behaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from config.ids import NodeId
from config.settings import LinkSettings
from config.settings_file import Settings
from config.settings_parts import Duration
from config.settings_terminal import SiteBrokerAddress

_SHORTEST = timedelta(seconds=5)


class PopupSettings(Settings):
    """The process `printmesh popup`; `--token` writes them."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_POPUP_")

    node: NodeId
    """This pop-up's id at the site's broker."""
    secret: Annotated[SecretStr, Field(min_length=1)]
    """That node's secret, or `secret_file`: the path of a file that holds it."""
    broker: SiteBrokerAddress = SiteBrokerAddress()
    """The broker of the site."""
    language: Literal["en", "fr", "de", "es"] | None = None
    """None: the person's own, as the centre has it; else the desktop's."""
    answer_within: Duration = timedelta(minutes=5)
    """A question that nobody answers for so long is closed; the job stays held."""
    notes: bool = True
    """Notes at the tray; false: in the window only."""

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.answer_within < _SHORTEST:
            raise ValueError("answer_within of at least 5s")
        return self

    def link(self) -> LinkSettings:
        """Return how the site's broker is reached, and as whom."""
        return LinkSettings(**self.broker.model_dump(), secret=self.secret)
