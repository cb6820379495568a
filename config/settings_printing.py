"""What an edge is told of printing: its print system, the queues people see, its printers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.ids import NodeId
from config.policy.media import media_class
from config.settings_devices import ProfileName
from config.settings_parts import Duration, Part


def _socket_path(value: str) -> str:
    """Refuse host:port: over the network CUPS would take the edge for just anybody."""
    if not value.startswith("/"):
        raise ValueError(
            "the path of CUPS's domain socket, such as /run/cups/cups.sock (not host:port: "
            "only over the socket does CUPS know the edge and let it release)"
        )
    return value


SocketPath = Annotated[str, AfterValidator(_socket_path)]
#: What CUPS takes for the name of a queue, without what needs quoting.
QueueName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,127}$")]


class CupsSettings(Part):
    """The print system of this machine."""

    server: SocketPath = "/run/cups/cups.sock"
    """Path of its domain socket: only there does it know who asks, so that nobody else releases."""
    notifier: bool = True
    """Let CUPS tell us what happened; without, jobs are found by asking."""
    poll_every: Duration = timedelta(seconds=30)
    """How often to ask in any case, since a notification may be lost."""


class QueueSettings(Part):
    """A queue that people print to."""

    name: QueueName
    """Its name in CUPS."""
    kind: Literal["pull", "direct"]
    """pull: held until its owner releases it at any printer. direct: bound to one printer."""
    printer: NodeId | None = None
    """For direct: the printer's id."""

    @model_validator(mode="after")
    def _direct_has_a_printer(self) -> Self:
        if (self.kind == "direct") != (self.printer is not None):
            raise ValueError("a printer for kind = direct, and none for kind = pull")
        return self


def _is_media(name: str) -> str:
    found = media_class(name)
    if found is None:
        raise ValueError("a size of paper such as iso_a4, iso_a3 or na_letter")
    return found


Media = Annotated[str, AfterValidator(_is_media)]


class PrinterSettings(Part):
    """A point of print of this site."""

    id: NodeId
    """Its device id, for ever."""
    name: str
    """What people call it."""
    uri: Annotated[str, StringConstraints(pattern=r"^ipps?://[^\s@]+$")]
    """Where it speaks IPP."""
    queue: QueueName
    """Its own queue in CUPS, which people cannot reach."""
    color: bool = True
    """It prints colour: a colour job is released here only when it is made monochrome first."""
    two_sided: bool = True
    """It prints both sides of a sheet."""
    media: Annotated[frozenset[Media], Field(min_length=1)] | None = None
    """Paper it has, such as `iso_a4`; None: whatever is asked for."""
    copies: bool = False
    """Copies are charged here, by a terminal beside it."""
    snmp: ProfileName | None = None
    """The profile by which it is asked how it is; None: not by SNMP."""
    address: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    """Where it answers SNMP; None: the host of `uri`."""
    serial: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Its serial number; None: learned from its first answer. Another one there is told of."""


class SettleSettings(Part):
    """How a job is billed whose outcome nobody can tell."""

    unknown: Literal["refund", "charge"] = "refund"
    """When its dispute ends; it stays flagged either way."""
