"""What the books lend to whoever keeps something in the same records as they."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from broker.messages import Message
    from edge.store.database import EdgeDatabase
    from edge.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Lent:
    """A journal, and how a record of it is begun and told."""

    database: EdgeDatabase
    """The journal."""
    record: Callable[[], AbstractContextManager[Transaction]]
    """Begins a record that adds events; durable when it ends."""
    say: Callable[[Transaction, str, Message, datetime], None]
    """Adds an event to a stream, by its name, within a record."""
