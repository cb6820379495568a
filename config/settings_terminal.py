"""What the process of a site's terminals is told: where the site's broker is, which terminals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from config.ids import NodeId
from config.panel_settings import PanelSettings, WebSettings
from config.settings import LinkSettings
from config.settings_file import Settings
from config.settings_parts import Duration, Part
from config.terminal_settings import CopierSettings, KeyPadSettings, ReaderSettings

#: At the site people wait in front of what is coming back.
_SITE_LONGEST_PAUSE = timedelta(seconds=1)


class SiteBrokerAddress(Part):
    """Where the site's broker is; the edge runs it."""

    host: str = "127.0.0.1"
    """Name or address."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1884
    """Port."""
    tls: bool = False
    """Encrypt, and check the broker's certificate."""
    tls_ca: Path | None = None
    """PEM file of the authority to trust; None: the system's."""
    websocket: bool = False
    """MQTT over WebSocket."""
    longest_pause: Duration = _SITE_LONGEST_PAUSE
    """Longest wait between two tries."""


class OneTerminal(Part):
    """A terminal beside a machine."""

    id: NodeId
    """Its node's id on the site's broker."""
    secret: Annotated[SecretStr, Field(min_length=1)]
    """That node's secret, or `secret_file`: the path of a file that holds it."""
    kind: Literal["reader", "panel"] = "reader"
    """A card reader, with or without copy control; or a panel, with or without either."""
    printer: NodeId
    """Device id of the machine it stands beside."""
    reader: ReaderSettings | None = None
    """The card reader; None: a panel without one."""
    key_pad: KeyPadSettings | None = None
    """A key pad beside the reader, for sites that want the PIN as well; None: there is none."""
    panel: PanelSettings = PanelSettings()
    """Of kind panel: its pages."""
    copier: CopierSettings | None = None
    """The copier's interface; None: nothing is copied, a card releases what is held."""
    second_card: Literal["replace", "refuse"] = "replace"
    """What another card does while somebody is signed in."""
    card_stays: bool = False
    """The card lies in the reader while its person is signed in; readers of kind pcsc notice."""
    idle: Duration = timedelta(seconds=60)
    """Signed off after so long without a page."""
    run_out: Duration = timedelta(seconds=2)
    """A stopped copier is still for so long before its copy is settled."""

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if self.kind == "reader" and self.reader is None:
            raise ValueError("a [terminals.reader] wherever kind = reader")
        if self.kind == "reader" and "panel" in self.model_fields_set:
            raise ValueError("kind = panel wherever there is a [terminals.panel]")
        if self.card_stays and (self.reader is None or self.reader.kind != "pcsc"):
            raise ValueError("reader.kind = pcsc wherever card_stays: others do not notice")
        if self.idle < timedelta(seconds=5):
            raise ValueError("idle of at least 5s")
        return self


class TerminalSettings(Settings):
    """The process `printmesh terminal run` and the commands beside it."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_TERMINAL_")

    data: Path
    """Directory of what must outlive a power cut: counts that the edge does not have yet."""
    broker: SiteBrokerAddress = SiteBrokerAddress()
    """The broker of the site."""
    web: WebSettings = WebSettings()
    """Where panels are served, if there are any."""
    terminals: tuple[OneTerminal, ...]
    """The terminals that this process drives; each has its own connection."""

    @model_validator(mode="after")
    def _names_are_one_things(self) -> Self:
        ids = [each.id for each in self.terminals]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"every terminal id once; twice: {', '.join(twice)}")
        if not ids:
            raise ValueError("at least one terminal")
        return self

    def link_of(self, terminal: OneTerminal) -> LinkSettings:
        """Return how a terminal reaches the site's broker, and as whom."""
        address = self.broker.model_dump()
        return LinkSettings(**address, secret=terminal.secret)
