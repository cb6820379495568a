"""What each process is told: frozen settings from a TOML file and `PRINTMESH_<PROCESS>_…`.

`load` reads them; how it does, and how it tells what is wrong, is in `settings_file.py`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from config.ids import NodeId
from config.policy.money import Unit
from config.settings_copies import CopySettings
from config.settings_devices import DeviceSettings, ProfileName, SnmpProfile
from config.settings_directory_services import GuestSettings, LdapSettings
from config.settings_file import Problem, Settings, SettingsError, load
from config.settings_jobs import LimitSettings
from config.settings_monitoring import MonitoringSettings
from config.settings_parts import Duration, Part
from config.settings_people import VisitorSettings
from config.settings_printing import CupsSettings, PrinterSettings, QueueSettings, SettleSettings
from config.settings_privacy import PrivacySettings
from config.settings_reconciliation import ReconciliationSettings
from config.settings_web import WebSettings
from config.settings_webhooks import WebhookSettings

__all__ = [
    "BrokerSettings",
    "CentralSettings",
    "EdgeSettings",
    "PrinterSettings",
    "Problem",
    "Settings",
    "SettingsError",
    "load",
    "sqlite_url",
]


#: 0 takes a free one.
Port = Annotated[int, Field(ge=0, le=65535)]


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone such as Europe/Madrid") from error
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_zone)]


def sqlite_url(path: Path) -> str:
    """Return the database address of a file, whose name may be any."""
    name = str(path).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{name}"


class BrokerFields(Part):
    """Where a broker listens and what it bears."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: Port = 1883
    """Port for MQTT, with TLS when there is a certificate."""
    websocket_port: Port | None = None
    """Port for MQTT over WebSocket; none by default."""
    tls_certificate: Path | None = None
    """PEM file: the certificate and its chain."""
    tls_key: Path | None = None
    """PEM file: the certificate's key."""
    tls_client_ca: Path | None = None
    """PEM file; when given, clients must show a certificate of this authority."""
    max_packet_bytes: Annotated[int, Field(ge=1024)] = 131_072
    """A bigger packet closes its connection."""
    max_queued_messages: Annotated[int, Field(ge=1)] = 2000
    """Messages that may wait for one slow subscriber before it is disconnected."""
    max_queued_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    """Bytes that may wait for one slow subscriber before it is disconnected."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key together, or neither")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError("tls_certificate and tls_key wherever tls_client_ca is given")
        return self


class BrokerSettings(Settings, BrokerFields):
    """The process `printmesh broker run`."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_BROKER_")

    credentials: Path
    """File of who may connect; written by the central process or by hand, read again on change."""


class LinkSettings(Part):
    """How to reach a broker, and as whom."""

    host: str = "127.0.0.1"
    """Name or address of the broker."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """Its port."""
    username: NodeId | None = None
    """MQTT user name and client id; None: the id of the node whose settings these are."""
    secret: Annotated[SecretStr, Field(min_length=1)]
    """The node's secret, or `secret_file`: the path of a file that holds it."""
    tls: bool = False
    """Encrypt, and check the broker's certificate."""
    tls_ca: Path | None = None
    """PEM file of the authority to trust; None: the system's."""
    websocket: bool = False
    """MQTT over WebSocket, where only web ports pass."""
    longest_pause: Duration | None = None
    """Longest wait between two tries; None: 1s to a broker on this machine, 60s to another."""

    @field_validator("longest_pause")
    @classmethod
    def _pauses(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(milliseconds=100):
            raise ValueError("at least 100ms")
        return value

    @model_validator(mode="after")
    def _authority_is_used(self) -> Self:
        if self.tls_ca and not self.tls:
            raise ValueError("tls = true wherever tls_ca is given")
        return self


class ApiSettings(Part):
    """The HTTP interface of the books, for programs."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: Port | None = None
    """Port to listen at; None: no interface."""
    token: SecretStr | None = None
    """What reads (`Authorization: Bearer …`), or `token_file`: a file that holds it."""
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 1200
    """Requests that one token may send in a minute."""

    @model_validator(mode="after")
    def _nobody_reads_unasked(self) -> Self:
        if self.port is not None and (self.token is None or not self.token.get_secret_value()):
            raise ValueError("a token (or token_file) wherever port is given")
        return self


class CentralSettings(Settings):
    """The process `printmesh central run` and the commands beside it."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_CENTRAL_")

    node: NodeId = "coordinator"
    """The coordinator's own id."""
    data: Path
    """Directory of the books."""
    database_url: SecretStr | None = None
    """SQLAlchemy URL, or `database_url_file`; None: SQLite in `data`."""
    second_log: Path | None = None
    """Directory of the second log, best on another volume; None: in `data`."""
    credentials: Path
    """File of who may connect; this process writes it, the broker reads it."""
    currency: Unit = "EUR"
    """ISO 4217 code in which new accounts are kept."""
    zone: TimeZone = "UTC"
    """The organisation's time zone, such as `Europe/Madrid`: when its days begin."""
    broker: LinkSettings
    """The broker to connect to."""
    embedded_broker: BrokerSettings | None = None
    """Run a broker in this process; it shares `credentials` unless it names its own."""
    api: ApiSettings = ApiSettings()
    """The HTTP interface for programs, alone at an address of its own."""
    web: WebSettings = WebSettings()
    """The pages, and the interface at their address."""
    reconciliation: ReconciliationSettings = ReconciliationSettings()
    """From when on pages that nobody explains are worth an alert."""
    privacy: PrivacySettings = PrivacySettings()
    """What is kept of people, and for how long."""
    ldap: tuple[LdapSettings, ...] = ()
    """Directory services that people come from."""
    guests: GuestSettings = GuestSettings()
    """People for a time."""
    webhooks: WebhookSettings = WebhookSettings()
    """What other programs are told, and where."""

    @model_validator(mode="after")
    def _services_are_one_each(self) -> Self:
        names = [each.name for each in self.ldap]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"every name in [[ldap]] once; twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _who_asks_can_sign_in(self) -> Self:
        if self.guests.ask and self.web.oidc is not None and self.web.oidc.only:
            raise ValueError("no ask in [guests] wherever only is true in [web.oidc]: no password")
        return self

    @model_validator(mode="before")
    @classmethod
    def _share_credentials(cls, given: Any) -> Any:  # noqa: ANN401  before validation it is anything
        """Give the embedded broker the file that this process writes."""
        match given:
            case {"credentials": credentials, "embedded_broker": {**broker}}:
                return {**given, "embedded_broker": {"credentials": credentials, **broker}}
        return given

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the books; may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return sqlite_url(self.file)

    @property
    def file(self) -> Path:
        """The file of the books, where no other database is named."""
        return (self.data / "books.db").absolute()

    @property
    def second_log_directory(self) -> Path:
        """Where the second log is."""
        return self.second_log or self.data / "second-log"


class CoordinatorSettings(Part):
    """Who keeps the books."""

    node: NodeId = "coordinator"
    """The coordinator's id."""
    incarnation: UUID
    """Which books: printed by `printmesh central node add` when this edge was enrolled."""


class SiteBroker(BrokerFields):
    """The broker of the site, for terminals and panels."""

    embedded: bool = True
    """Run it in the edge's process."""
    credentials: Path | None = None
    """File of who may connect; None: `site-credentials.json` in `data`."""
    vouching: tuple[NodeId, ...] = ()
    """Nodes whose word is taken for who stands there; the site's own command line always is."""


class EdgeSettings(Settings):
    """The process `printmesh edge run` and the commands beside it."""

    model_config = SettingsConfigDict(env_prefix="PRINTMESH_EDGE_")

    node: NodeId
    """This edge's id."""
    site: str
    """What people call the place."""
    zone: TimeZone = "UTC"
    """The place's time zone, such as `Europe/Madrid`: for rules that name hours."""
    role: Literal["agent", "tracker", "remote"] = "remote"
    """What a fresh journal begins with; afterwards the centre says."""
    data: Path
    """Directory of the journal and of what is kept here."""
    coordinator: CoordinatorSettings
    """Who keeps the books."""
    link: LinkSettings
    """The broker of the centre."""
    enrolment_code: SecretStr | None = None
    """Needed once, by a new journal; or `enrolment_code_file`: a file that holds it."""
    site_broker: SiteBroker = SiteBroker()
    """The broker of the site."""
    terminals: VisitorSettings = VisitorSettings()
    """Who stands at its terminals."""
    limits: LimitSettings = LimitSettings()
    """What may wait here."""
    copies: CopySettings = CopySettings()
    """What may be copied at once."""
    cups: CupsSettings = CupsSettings()
    """The print system."""
    snmp: dict[ProfileName, SnmpProfile] = Field(default_factory=dict)
    """How printers are asked by SNMP, by name of the profile."""
    devices: DeviceSettings = DeviceSettings()
    """How printers are watched."""
    monitoring: MonitoringSettings = MonitoringSettings()
    """Health and figures over HTTP."""
    queues: tuple[QueueSettings, ...] = ()
    """The queues that people print to."""
    printers: tuple[PrinterSettings, ...] = ()
    """The printers of the site."""
    disputes_after: Duration = timedelta(hours=24)
    """How long evidence may be waited for before policy decides."""
    settle: SettleSettings = SettleSettings()
    """That policy."""
    events_keep_days: Annotated[int, Field(ge=30, le=3660)] = 30
    """How long events are kept after the centre has confirmed them."""

    @model_validator(mode="after")
    def _names_are_one_things(self) -> Self:
        ids = [printer.id for printer in self.printers]
        queues = [each.queue for each in self.printers] + [each.name for each in self.queues]
        for what, names in (("printer id", ids), ("queue name", queues)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"every {what} once; twice: {', '.join(twice)}")
        unknown = sorted({each.printer for each in self.queues if each.printer} - set(ids))
        if unknown:
            raise ValueError(f"queues bound to known printers; unknown: {', '.join(unknown)}")
        profiles = sorted({each.snmp for each in self.printers if each.snmp} - self.snmp.keys())
        if profiles:
            raise ValueError(f"printers of known snmp profiles; unknown: {', '.join(profiles)}")
        return self
