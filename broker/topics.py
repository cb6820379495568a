"""The table of topics: who writes, who reads, what is said, with which QoS; all else derives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from broker import messages as m

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "pm/v1"
COORDINATOR = "coordinator"


class Party(Enum):
    """What an identity may be (PROTOCOL 7)."""

    NODE = "node"
    """An edge or a terminal; `{node}` in a topic is its own id."""
    COORDINATOR = "coordinator"
    """The centre; on a site's broker the edge."""
    DASHBOARD = "dashboard"
    """Reads feed, status and device state; writes nothing."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the table."""

    name: str
    """Short name, used to build and to recognise."""
    path: str
    """Levels below the root; `{…}` is one whole level."""
    messages: tuple[type[m.Message], ...]
    """What may be said there."""
    writer: Party
    """Who writes."""
    readers: frozenset[Party]
    """Who reads."""
    qos: int
    """0 for telemetry, 1 for what matters."""
    about: str
    """One sentence for the documents."""
    retain: bool = False
    """Whether the last one is kept for who comes later."""

    @property
    def template(self) -> str:
        """The whole topic with its parameters in braces."""
        return f"{ROOT}/{self.path}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names in braces, in order."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def of(self, **values: str) -> str:
        """Fill in the parameters; each must be one plain level.

        Raises:
            ValueError: a value with `/`, `+`, `#`, NUL or nothing in it.
        """
        for name, value in values.items():
            if not value or set(value) & {"/", "+", "#", "\0"}:
                raise ValueError(f"{name}={value!r} is not one topic level")
        return self.template.format(**values)

    def filter(self, **values: str) -> str:
        """Return a subscription: parameters that are not given become `+`."""
        wild = {name: "+" for name in self.parameters if name not in values}
        return self.template.format(**values, **wild)

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the parameters of a concrete topic, or None when it is another topic."""
        want, have = self.template.split("/"), topic.split("/")
        if len(want) != len(have):
            return None
        found: dict[str, str] = {}
        for w, h in zip(want, have, strict=True):
            if w.startswith("{"):
                found[w[1:-1]] = h
            elif w != h:
                return None
        return found


_C, _N, _D = Party.COORDINATOR, Party.NODE, Party.DASHBOARD
_TO_C, _TO_N = frozenset({_C}), frozenset({_N})

STATUS = Topic(
    "status",
    "up/{node}/status",
    (m.Status,),
    _N,
    frozenset({_C, _D}),
    1,
    "Whether a node is on line; its will says it is not.",
    retain=True,
)
BIRTH = Topic(
    "birth",
    "up/{node}/birth",
    (m.Birth,),
    _N,
    _TO_C,
    1,
    "A node introduces itself and says where its streams stand.",
)
UP_LOG = Topic(
    "up-log",
    "up/{node}/log/{stream}",
    (m.Batch,),
    _N,
    _TO_C,
    1,
    "Ordered batches of a node's events: `ledger` (money), `jobs` (life cycle).",
)
UP_ACK = Topic(
    "up-ack",
    "up/{node}/ack/{stream}",
    (m.Ack,),
    _N,
    _TO_C,
    1,
    "A node has durably applied what came down.",
)
OPS = Topic(
    "ops",
    "up/{node}/ops",
    (m.Note,),
    _N,
    _TO_C,
    1,
    "Alerts and notes; the newest of a code and subject wins.",
)
DEVICE = Topic(
    "device",
    "up/{node}/dev/{device}",
    (m.DeviceState,),
    _N,
    frozenset({_C, _D}),
    0,
    "State of one printer or terminal.",
    retain=True,
)
TERMINALS = Topic(
    "terminals",
    "up/{node}/terminals",
    (m.SiteTerminals,),
    _N,
    frozenset({_C, _D}),
    0,
    "The terminals of a site, and which of them are on line.",
    retain=True,
)
REQUEST = Topic(
    "request",
    "up/{node}/req/{method}",
    (
        m.FundsRequest,
        m.DirectoryRequest,
        m.ReleaseRequest,
        m.RedeemRequest,
        m.CancelRequest,
        m.JobsRequest,
        m.StatusRequest,
        m.VerifyRequest,
        m.IdentifyRequest,
        m.SignOffRequest,
        m.EnrolRequest,
        m.QuoteRequest,
        m.PreviewRequest,
        m.BalanceRequest,
        m.CopyBeginRequest,
        m.CopyCountRequest,
        m.CopyEndRequest,
        m.DocumentRequest,
    ),
    _N,
    _TO_C,
    1,
    "A question with a deadline.",
)
COMMAND_STATE = Topic(
    "command-state", "up/{node}/cmd/{id}", (m.CommandState,), _N, _TO_C, 1, "How far a command is."
)
DOWN_LOG = Topic(
    "down-log",
    "down/{node}/log/{stream}",
    (m.Batch,),
    _C,
    _TO_N,
    1,
    "Ordered batches of events for a node: grants, reclaims, rejections.",
)
DOWN_ACK = Topic(
    "down-ack",
    "down/{node}/ack/{stream}",
    (m.Ack,),
    _C,
    _TO_N,
    1,
    "What the coordinator has committed of a node's stream.",
)
DIRECTORY = Topic(
    "directory",
    "down/{node}/dir",
    (m.DirectoryRows,),
    _C,
    _TO_N,
    1,
    "Rows and tombstones: people, cards, tariffs, printers.",
)
REPLY = Topic(
    "reply",
    "down/{node}/res/{corr}",
    (m.Reply,),
    _C,
    _TO_N,
    1,
    "The answer to a question or a birth.",
)
COMMAND = Topic(
    "command",
    "down/{node}/cmd/{id}",
    (m.Command,),
    _C,
    _TO_N,
    1,
    "What the coordinator wants a node to do.",
)
NEWS = Topic(
    "news",
    "down/{node}/news",
    (m.PersonNews,),
    _C,
    _TO_N,
    0,
    "On a site's broker: what happens to the jobs of who is signed in at a terminal.",
)
ALL_SITE = Topic(
    "site",
    "all/site",
    (m.SiteState,),
    _C,
    frozenset({_N, _D}),
    1,
    "On a site's broker: how the site is, its link and its printers.",
    retain=True,
)
ALL_COORDINATOR = Topic(
    "coordinator",
    "all/coordinator",
    (m.CoordinatorStatus,),
    _C,
    frozenset({_N, _D}),
    1,
    "Whether the coordinator listens; its will says it does not.",
    retain=True,
)
FEED = Topic(
    "feed",
    "feed/{kind}",
    (m.FeedJob, m.FeedNode, m.FeedDevice, m.FeedAlert),
    _C,
    frozenset({_D}),
    0,
    "What was committed, for dashboards: `jobs`, `fleet` (nodes and their devices), `alerts`.",
)

TABLE: tuple[Topic, ...] = (
    STATUS,
    BIRTH,
    UP_LOG,
    UP_ACK,
    OPS,
    DEVICE,
    TERMINALS,
    REQUEST,
    COMMAND_STATE,
    DOWN_LOG,
    DOWN_ACK,
    DIRECTORY,
    REPLY,
    COMMAND,
    NEWS,
    ALL_SITE,
    ALL_COORDINATOR,
    FEED,
)

#: `{method}` of a request → the model of its question.
METHODS: Mapping[str, type[m.Request]] = {
    "funds": m.FundsRequest,
    "directory": m.DirectoryRequest,
    "release": m.ReleaseRequest,
    "redeem": m.RedeemRequest,
    "cancel": m.CancelRequest,
    "jobs": m.JobsRequest,
    "status": m.StatusRequest,
    "verify": m.VerifyRequest,
    "identify": m.IdentifyRequest,
    "sign-off": m.SignOffRequest,
    "enrol": m.EnrolRequest,
    "quote": m.QuoteRequest,
    "preview": m.PreviewRequest,
    "balance": m.BalanceRequest,
    "copy-begin": m.CopyBeginRequest,
    "copy-count": m.CopyCountRequest,
    "copy-end": m.CopyEndRequest,
    "document": m.DocumentRequest,
}

#: `{kind}` of the feed → what is said there.
FEEDS: Mapping[str, tuple[type[m.Message], ...]] = {
    "jobs": (m.FeedJob,),
    "fleet": (m.FeedNode, m.FeedDevice),
    "alerts": (m.FeedAlert,),
}

#: `{stream}` upwards and downwards → the events it may carry.
STREAMS_UP: Mapping[str, tuple[type[m.Message], ...]] = {"ledger": m.LEDGER_UP, "jobs": m.JOBS_UP}
STREAMS_DOWN: Mapping[str, tuple[type[m.Message], ...]] = {"ledger": m.LEDGER_DOWN}

#: One filter a client (each filter costs every message on the embedded broker).
COORDINATOR_SUBSCRIPTION = f"{ROOT}/up/#"


def node_subscriptions(node: str) -> tuple[str, str]:
    """Return what a node subscribes to."""
    return f"{ROOT}/down/{node}/#", f"{ROOT}/all/#"


def dashboard_subscriptions() -> tuple[str, ...]:
    """Return what a dashboard subscribes to: each line of the table that it may read."""
    return tuple(sorted(grants(Party.DASHBOARD, "")[1]))


def grants(party: Party, node: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the topic filters an identity may (write, read): each line of the table it is in."""
    own = {"node": node}
    writes, reads = set(), set()
    for topic in TABLE:
        mine = own if party is Party.NODE and "node" in topic.parameters else {}
        if topic.writer is party:
            writes.add(topic.filter(**mine))
        if party in topic.readers:
            reads.add(topic.filter(**mine))
    if party is Party.COORDINATOR:
        reads.add(COORDINATOR_SUBSCRIPTION)
    if party is Party.NODE:
        reads.update(node_subscriptions(node))
    return frozenset(writes), frozenset(reads)
