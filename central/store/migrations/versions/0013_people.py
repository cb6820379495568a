"""People at the centre: how they are found, whose cards are which, who tells of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import op

from central.folding import folded, words

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0013"
down_revision = "0012"

#: Directory rows that are read at once.
_SLICE: Final = 1000
_PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Build the new schema; fill it with those who are in the directory."""
    op.create_table(
        "card_holder",
        sa.Column("card", _PLAIN, nullable=False),
        sa.Column("user", _PLAIN, nullable=False),
        sa.Column("source", _PLAIN, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("card", name=op.f("pk_card_holder")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_card_holder_user", "card_holder", ["user", "card"])
    op.create_table(
        "people_source",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_people_source")),
    )
    op.create_table(
        "person",
        sa.Column("name", _PLAIN, nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("folded", _PLAIN, nullable=False),
        sa.Column("email", _PLAIN, nullable=False, server_default=""),
        sa.Column("department", _PLAIN, nullable=False, server_default=""),
        sa.Column("source", _PLAIN, nullable=False, server_default="local"),
        sa.Column("source_id", _PLAIN, nullable=False, server_default=""),
        sa.Column("told_groups", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("sponsor", _PLAIN, nullable=False, server_default=""),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.Text(), nullable=False, server_default=""),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_person")),
    )
    op.create_index("ix_person_department", "person", ["department", "folded", "name"])
    op.create_index("ix_person_email", "person", ["email"])
    op.create_index(
        "ix_person_expiring",
        "person",
        ["expires_at"],
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("ix_person_folded", "person", ["folded", "name"])
    op.create_index("ix_person_source", "person", ["source", "source_id"])
    op.create_table(
        "person_group",
        sa.Column("group", _PLAIN, nullable=False),
        sa.Column("user", _PLAIN, nullable=False),
        sa.PrimaryKeyConstraint("group", "user", name=op.f("pk_person_group")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_group_user", "person_group", ["user"])
    op.create_table(
        "person_word",
        sa.Column("word", _PLAIN, nullable=False),
        sa.Column("user", _PLAIN, nullable=False),
        sa.PrimaryKeyConstraint("word", "user", name=op.f("pk_person_word")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_word_user", "person_word", ["user", "word"])
    _fill()


def _fill() -> None:
    for rows in _slices("user"):
        told = {key: json.loads(row) for key, row in rows}
        _insert(
            "person",
            [
                {
                    "name": name,
                    "display": row.get("display", ""),
                    "groups": json.dumps(row.get("groups", []), ensure_ascii=False),
                    "enabled": row.get("enabled", True),
                    "folded": folded(row.get("display", "")) or folded(name),
                }
                for name, row in told.items()
            ],
        )
        _insert(
            "person_word",
            [
                {"word": word, "user": name}
                for name, row in told.items()
                for word in words(name, row.get("display", ""))
            ],
        )
        _insert(
            "person_group",
            [
                {"group": group, "user": name}
                for name, row in told.items()
                for group in dict.fromkeys(row.get("groups", []))
            ],
        )
    for rows in _slices("card"):
        held = [{"card": key, "user": json.loads(row)["user"]} for key, row in rows]
        _insert("card_holder", held)


def _slices(kind: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the live rows of a kind, some at a time."""
    rows = sa.table("directory_row", sa.column("kind"), sa.column("key"), sa.column("row"))
    after = ""
    while True:
        query = (
            sa.select(rows.c.key, rows.c.row)
            .where(rows.c.kind == kind, rows.c.row.is_not(None), rows.c.key > after)
            .order_by(rows.c.key)
            .limit(_SLICE)
        )
        some = [(key, row) for key, row in op.get_bind().execute(query)]
        if not some:
            return
        yield some
        after = some[-1][0]


def _insert(name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        table = sa.table(name, *map(sa.column, rows[0]))
        op.get_bind().execute(sa.insert(table), rows)
