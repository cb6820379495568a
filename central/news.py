"""What changed in the books, whoever changed it, told to the nodes: grants, directory, commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics
from central.births import bring_directory
from central.reparking import Reparking
from central.slices import delta
from central.store import commands, directory, funds, nodes

if TYPE_CHECKING:
    from central.fleet import Fleet


class News:
    """Looks for changes and passes them on; cheap when there are none."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._more_to_park = False
        self._reparking = Reparking(fleet)

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more_to_park

    def look(self, now: float, *, anyway: bool = False) -> None:
        """Pass on what changed since the last look.

        Args:
            now: seconds on a clock that never jumps.
            anyway: look though the database says that nothing changed: somebody was born.
        """
        self._reparking.look(now, returned=anyway)
        token = self._fleet.books.change_token()
        if token == self._token and not anyway and not self._more_to_park:
            return
        self._park(now)
        self._fleet.grown(self._fleet.conversations)
        self._directory()
        self._commands(now)
        self._token = token  # only now: what failed half way is looked at again

    def _park(self, now: float) -> None:
        with self._fleet.books.write() as tx:
            popularity = self._reparking.popularity
            _, self._more_to_park = funds.park_free(tx, self._fleet.linked(now), popularity)

    def _directory(self) -> None:
        fleet = self._fleet
        with fleet.books.read() as tx:
            wanted = nodes.to_resync(tx)
        for node in sorted(wanted & fleet.conversations.keys()):
            bring_directory(fleet, node, None)
            with fleet.books.write() as tx:
                nodes.resynced(tx, node)
        behind = [c.directory_n for c in fleet.conversations.values() if c.directory_n is not None]
        if not behind:
            return
        with fleet.books.read() as tx:
            newest = directory.version(tx)
            if min(behind) >= newest:
                return
            changed = directory.changes(tx, min(behind))
        epoch = fleet.books.identity.epoch
        for node, conversation in fleet.conversations.items():
            since = conversation.directory_n
            if since is None or since >= newest:
                continue
            rows = [row for row in changed.rows if row.n > since]
            for message in delta(rows, epoch=epoch, since=since, upto=newest, digest=None):
                fleet.say(topics.DIRECTORY, message, node=node)
            conversation.directory_n = newest

    def _commands(self, now: float) -> None:
        fleet = self._fleet
        with fleet.books.read() as tx:
            waiting = [(n, c) for n, c in commands.waiting(tx) if n in fleet.linked(now)]
        if not waiting:
            return
        with fleet.books.write() as tx:
            for _, command in waiting:
                commands.sent(tx, command.id)
        for node, command in waiting:
            fleet.say(topics.COMMAND, command, node=node, id=str(command.id))
