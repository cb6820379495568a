"""The site's copy of the directory: state, not history; lost or damaged, it is fetched again.

Rows live in one of two tables, so that a snapshot is staged beside what is in force and swapped in
whole. A row applies only if it is newer than what is there (PROTOCOL 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from tinydb import where

from broker.directory import (
    CARD_KEY,
    MODELS,
    RULES,
    AccountRow,
    CardRow,
    PrinterRow,
    SettingRow,
    UserRow,
    card_key,
    card_names,
    row_digest,
)
from broker.messages import DirectoryCursor, DirectoryRow, DirectoryRows
from config.logs import logger
from config.policy.rules_text import load_rules
from config.policy.tariffs import Tariff, in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from config.policy.rules import RuleSet, UnreadableRules
    from edge.store.database import EdgeDatabase
    from edge.store.table import JournalTable

#: What each table of the replica's file is indexed by.
INDEXES = {"rows-a": ("id",), "rows-b": ("id",), "meta": ("key",)}
_OTHER = {"rows-a": "rows-b", "rows-b": "rows-a"}
_MODULUS = 2**256

R = TypeVar("R", bound=BaseModel)

_log = logger("edge.replica")


@dataclass(frozen=True, slots=True)
class Moved:
    """The cursor moved to here."""

    cursor: DirectoryCursor


@dataclass(frozen=True, slots=True)
class Taken:
    """Staged, or applied early: the cursor stays."""


@dataclass(frozen=True, slots=True)
class NeedSnapshot:
    """What came does not join what is here: ask for a snapshot."""

    reason: str


Outcome = Moved | Taken | NeedSnapshot


class Replica:
    """Users, cards, accounts, tariffs and printers as this site knows them."""

    def __init__(self, database: EdgeDatabase) -> None:
        self._db = database
        self._meta = database.table("meta")
        state = self._meta.one(where("key") == "state")
        self._state: dict[str, Any] = dict(state) if state else {"key": "state", "live": "rows-a"}
        self._stage: tuple[str, int, int] | None = None
        self._tariffs: tuple[Tariff, ...] | None = None
        self._tags: dict[str, tuple[str, ...]] | None = None
        self._rules: tuple[str, RuleSet | UnreadableRules] | None = None

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    @property
    def cursor(self) -> DirectoryCursor | None:
        """How far this replica goes; None when it has nothing to build on."""
        if "n" not in self._state:
            return None
        # rows that came early belong to a later version: no digest to compare until it is reached
        early = self._state.get("early", 0) > self._state["n"]
        digest = None if early else self._digest(self._state["sum"])
        return DirectoryCursor(epoch=self._state["epoch"], n=self._state["n"], digest=digest)

    def user(self, name: str) -> UserRow | None:
        """Return a person by user name; case does not matter."""
        return self._row("user", name.lower(), UserRow)

    def card(self, number: str) -> CardRow | None:
        """Return a card, blocked and expired ones too (`CardRow.trouble`)."""
        names = self.card_names(number)
        return next((row for name in names if (row := self.card_named(name))), None)

    def card_named(self, name: str) -> CardRow | None:
        """Return a card by the key of its row."""
        return self._row("card", name, CardRow)

    def card_names(self, number: str) -> tuple[str, ...]:
        """Return the keys that a card's row may have, the one for new rows first."""
        row = self._row("setting", CARD_KEY, SettingRow)
        return card_names(number, None if row is None else card_key(row.value))

    def user_of_card(self, number: str, now: datetime) -> UserRow | None:
        """Return whose card this is; None as well when it is blocked or has expired."""
        card = self.card(number)
        return None if card is None or card.trouble(now) else self.user(card.user)

    def account(self, key: str) -> AccountRow | None:
        """Return an account."""
        return self._row("account", key, AccountRow)

    def printer(self, device: str) -> PrinterRow | None:
        """Return a point of print."""
        return self._row("printer", device, PrinterRow)

    def tags(self) -> Mapping[str, tuple[str, ...]]:
        """Return the tags of every printer that has some, by device id; the same until changed."""
        if self._tags is None:
            rows = self._live.search(where("kind") == "printer")
            known = (_read(row["row"], PrinterRow) for row in rows)
            self._tags = {row.device: row.tags for row in known if row is not None and row.tags}
        return self._tags

    def tariff(self, at: datetime) -> Tariff | None:
        """Return the tariff of a moment."""
        return in_force(self.tariffs(), at)

    def tariff_version(self, version: int) -> Tariff | None:
        """Return a tariff by its version, in force or not."""
        return next((each for each in self.tariffs() if each.version == version), None)

    def tariffs(self) -> tuple[Tariff, ...]:
        """Return every tariff known here."""
        if self._tariffs is None:
            rows = self._live.search(where("kind") == "tariff")
            known = (_read(row["row"], Tariff) for row in rows)
            self._tariffs = tuple(tariff for tariff in known if tariff is not None)
        return self._tariffs

    def rules(self) -> RuleSet | UnreadableRules | None:
        """Return the rules in force; None where there are none."""
        row = self._row("setting", RULES, SettingRow)
        if row is None or not row.value:
            return None
        if self._rules is None or self._rules[0] != row.value:
            self._rules = row.value, load_rules(row.value)
        return self._rules[1]

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def apply(self, message: DirectoryRows) -> Outcome:
        """Take in a delta, a slice of a snapshot, or early revocations.

        A row that cannot be read is kept and means nothing: who or what it is about is not known.
        """
        for row in message.rows:
            if (problem := _problem(row)) is not None:
                _log.error("unreadable", action="directory-row", key=row.key[:80], reason=problem)
        match message.kind:
            case "snapshot":
                return self._take_slice(message)
            case "revocations":
                return self._revoke(message)
            case "delta":
                return self._take_delta(message)

    def _take_delta(self, message: DirectoryRows) -> Outcome:
        have = self._state.get("n")
        if have is None or message.epoch != self._state["epoch"]:
            return NeedSnapshot("there is nothing here that this change could build on")
        if message.since > have:
            return NeedSnapshot(f"changes {have + 1} to {message.since} are missing")
        if message.upto <= have:
            return Taken()
        with self._db.transaction():
            total = self._put(self._live.name, message, self._state["sum"])
            state = self._store({**self._state, "n": message.upto, "sum": total})
        self._stand_at(state)
        return self._compare(message)

    def _revoke(self, message: DirectoryRows) -> Outcome:
        if "n" not in self._state or message.epoch != self._state["epoch"]:
            return Taken()  # the snapshot on its way has them
        with self._db.transaction():
            total = self._put(self._live.name, message, self._state["sum"])
            early = max([self._state.get("early", 0), *(row.n for row in message.rows)])
            state = self._store({**self._state, "sum": total, "early": early})
        self._stand_at(state)
        return Taken()

    def _take_slice(self, message: DirectoryRows) -> Outcome:
        stage = _OTHER[self._live.name]
        if message.part == 0:
            self._db.drop_table(stage)
            self._stage = (str(message.snapshot), 0, 0)
        if self._stage is None or self._stage[:2] != (str(message.snapshot), message.part):
            self._stage = None
            return NeedSnapshot(f"part {message.part} of a snapshot came out of turn")
        name, part, total = self._stage
        last_state = None
        with self._db.transaction():
            total = self._put(stage, message, total)
            if message.last:
                last_state = self._store(
                    {
                        "key": "state",
                        "live": stage,
                        "epoch": message.epoch,
                        "n": message.upto,
                        "sum": total,
                    }
                )
        if last_state is None:
            self._stage = (name, part + 1, total)
            return Taken()
        self._stage = None
        self._stand_at(last_state)
        self._db.drop_table(_OTHER[stage])
        return self._compare(message)

    def _put(self, table_name: str, message: DirectoryRows, total: int | str) -> int:
        """Put newer rows, tombstones too; return the digest's sum afterwards."""
        table = self._db.table(table_name)
        total = int(total, 16) if isinstance(total, str) else total
        for row in message.rows:
            id_ = f"{row.kind} {row.key}"
            old = table.find("id", id_)
            if old is not None and old["n"] >= row.n:
                continue
            if old is not None and old["row"] is not None:
                total -= row_digest(row.kind, row.key, old["n"])
            if row.row is not None:
                total += row_digest(row.kind, row.key, row.n)
            new = {"id": id_, "kind": row.kind, "n": row.n, "row": row.row}
            if old is None:
                table.insert(new)
            else:
                table.update(new, doc_ids=[old.doc_id])
            if row.kind == "tariff":
                self._tariffs = None
            elif row.kind == "printer":
                self._tags = None
        return total % _MODULUS

    def _store(self, state: dict[str, Any]) -> dict[str, Any]:
        state = {**state, "sum": self._digest(state["sum"])}
        self._meta.upsert(state, where("key") == "state")
        return state

    def _stand_at(self, state: dict[str, Any]) -> None:
        """Believe a state, once it is written: what was rolled back never was."""
        self._state = state
        self._tariffs = self._tags = None

    def _compare(self, message: DirectoryRows) -> Outcome:
        cursor = self.cursor
        if cursor is None:
            return NeedSnapshot("the replica is empty")
        if None not in {message.digest, cursor.digest} and message.digest != cursor.digest:
            return NeedSnapshot(f"the rows at version {cursor.n} differ from the centre's")
        return Moved(cursor)

    @property
    def _live(self) -> JournalTable:
        return self._db.table(self._state["live"])

    def _row(self, kind: str, key: str, model: type[R]) -> R | None:
        found = self._live.find("id", f"{kind} {key}")
        return _read(found["row"], model) if found else None

    @staticmethod
    def _digest(total: int | str) -> str:
        return total if isinstance(total, str) else total.to_bytes(32, "big").hex()


def _read(row: dict[str, Any] | None, model: type[R]) -> R | None:
    """Return a row, None for a tombstone and for what cannot be read (it was reported)."""
    try:
        return None if row is None else model.model_validate(row)
    except ValidationError:
        return None


def _problem(row: DirectoryRow) -> str | None:
    """Say what is wrong with a row of the centre's, None when it can be used."""
    if row.row is None:
        return None
    try:
        MODELS[row.kind].model_validate(row.row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{row.kind} row: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def rows_of(rows: Iterable[tuple[str, str, int, BaseModel | None]]) -> tuple[DirectoryRow, ...]:
    """Build wire rows from models: (kind, key, n, model or None)."""
    return tuple(
        DirectoryRow(kind=kind, key=key, n=n, row=model.model_dump(mode="json") if model else None)
        for kind, key, n, model in rows
    )
