"""The site's terms as its journal keeps them: in force, wished for, and not told of yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinydb import where

from edge.terms import Terms, is_news, wished

if TYPE_CHECKING:
    from broker.messages import Role, SetTerms
    from edge.store.database import EdgeDatabase

_TAKEN: Final = "terms"
_WISH: Final = "terms-wished"
_UNTOLD: Final = "terms-untold"


class TermsKept:
    """A few rows of a journal."""

    def __init__(self, database: EdgeDatabase) -> None:
        self._meta = database.table("meta")
        self._read: dict[str, Terms] = {}

    @property
    def taken(self) -> Terms:
        """Those in force; a journal from before there were terms is a remote's."""
        return self._get(_TAKEN) or Terms()

    @property
    def wish(self) -> Terms | None:
        """Those that are not taken yet; none: there is nothing to do."""
        wish = self._get(_WISH)
        return wish if wish is not None and wish.number > self.taken.number else None

    def begin(self, role: Role) -> None:
        """Say what a fresh journal begins with, inside its first record."""
        self._put(_TAKEN, Terms(name=role))

    def wish_for(self, said: SetTerms) -> None:
        """Keep what the centre wishes for, inside the record of its event."""
        if is_news(said, self.taken, self.wish):
            self._put(_WISH, wished(said))

    @property
    def untold(self) -> bool:
        """Whether those in force were taken and the centre was not told: it counts the old too."""
        return self._get(_UNTOLD) is not None

    def take(self, terms: Terms) -> None:
        """Live by these from now on; the centre is told in this record, or in a later one."""
        self._put(_TAKEN, terms)
        self._put(_UNTOLD, terms)

    def told(self) -> None:
        """Note that the centre is told which are in force, inside the record that says so."""
        self._meta.remove(where("key") == _UNTOLD)

    def _get(self, key: str) -> Terms | None:
        row = self._meta.find("key", key)
        if row is None:
            return None
        text: str = row["text"]
        if text not in self._read:
            self._read = {**self._read, text: Terms.model_validate_json(text)}
        return self._read[text]

    def _put(self, key: str, terms: Terms) -> None:
        row = {"key": key, "text": terms.model_dump_json(exclude_defaults=True)}
        self._meta.upsert(row, where("key") == key)
