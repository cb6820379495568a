"""Telemetry and feed: what may be lost, and what dashboards read."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from broker.messages.base import Count, Line, Message, Name
from broker.messages.ledger import AccountAmount
from config.ids import NodeId


class Note(Message):
    """An alert or a remark; the newest of a code and subject wins."""

    TYPE: ClassVar[str] = "printmesh.note.v1"
    severity: Literal["info", "warning", "critical"]
    """How loud."""
    code: Name
    """Stable, for machines: `disk-full`, `fork`, `quarantine` …"""
    subject: Name = ""
    """What it is about: a device, a job, an account."""
    detail: Line
    """For people."""
    cleared: bool = False
    """The trouble is over."""


class FeedJob(Message):
    """A job as committed at the centre; at least once, by id."""

    TYPE: ClassVar[str] = "printmesh.feed-job.v1"
    job: UUID
    """job-uuid."""
    node: NodeId
    """The edge."""
    state: Name
    """held, refused, released, settled, canceled or flagged."""
    printer: NodeId | None = None
    """Where."""
    impressions: Count | None = None
    """Billed impressions, when settled."""
    charged: tuple[AccountAmount, ...] = ()
    """What was paid, by account kind only: names of people stay out of the feed."""


class FeedNode(Message):
    """A node's link as the centre sees it."""

    TYPE: ClassVar[str] = "printmesh.feed-node.v1"
    node: NodeId
    """Who."""
    linked: bool
    """Whether it is heard."""
    since: AwareDatetime
    """Since when."""
    waiting: Count | None = None
    """Events it has not got committed yet, as of its last birth or batch."""


class FeedAlert(Message):
    """A note of any node, or of the centre itself."""

    TYPE: ClassVar[str] = "printmesh.feed-alert.v1"
    node: NodeId
    """Whose."""
    note: Note
    """What."""
