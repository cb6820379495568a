"""The settings of a new edge as TOML, ready to be used where it stands; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from central.store.books import Identity
    from config.settings import CentralSettings


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An edge that was entered just now."""

    node: str
    """Its id."""
    site: str
    """What people call the place."""
    secret: str
    """For the broker; shown once."""
    code: str
    """Lets its first journal in; shown once."""


def text_of(edge: Enrolled, settings: CentralSettings, identity: Identity) -> str:
    """Return an edge's settings; they hold its secret. JSON's strings are TOML's."""
    link = settings.broker
    lines = [
        f"# Settings of the edge {edge.node}, made when it was entered at the centre.",
        "# Its secret is in here: keep it to yourself.",
        f"node = {json.dumps(edge.node)}",
        f"site = {json.dumps(edge.site)}",
        'role = "remote"',
        'data = "journal"',
        "",
        "# Needed once, by a new journal.",
        f"enrolment_code = {json.dumps(edge.code)}",
        "",
        "[coordinator]",
        f"node = {json.dumps(settings.node)}",
        f'incarnation = "{identity.incarnation}"',
        "",
        "[link]",
        f"host = {json.dumps(link.host)}",
        f"port = {link.port}",
        f"secret = {json.dumps(edge.secret)}",
        f"tls = {json.dumps(link.tls)}",
        *([f"tls_ca = {json.dumps(str(link.tls_ca))}"] if link.tls_ca else []),
        f"websocket = {json.dumps(link.websocket)}",
        "",
        "# Queues and printers of the site come next; the sample edge.toml explains them.",
    ]
    return "\n".join(lines) + "\n"
