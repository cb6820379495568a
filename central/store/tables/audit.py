"""Who did what: every administrative act, chained by hashes, never changed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    event,
)

from central.store.tables.base import Instant, RowId, metadata

audit = Table(
    "audit",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    # A login name with its face (`cli:root`, `web:ana`), a node, or `coordinator`.
    Column("author", Text, nullable=False),
    # What was done, in a word or two: `account freeze`, `rule set`.
    Column("act", Text, nullable=False),
    # To what: an account, a node, a job.
    Column("target", Text, nullable=False),
    # JSON: whatever explains it; no secrets.
    Column("detail", Text, nullable=False),
    # The address it came from; empty: this machine, or not known.
    Column("address", Text, nullable=False, server_default=""),
    # JSON: what was, and what is now, where an act replaces something.
    Column("before", Text),
    Column("after", Text),
    # SHA-256 over the act before and this one's content (`central.store.audit_chain`).
    Column("hash", Text, nullable=False, server_default=""),
    Index("ix_audit_target", "target", "n"),
    Index("ix_audit_author", "author", "n"),
    # both may be many, and those of both few
    Index("ix_audit_author_act", "author", "act", "n"),
    Index("ix_audit_act", "act", "n"),
    Index("ix_audit_at", "at"),
)

#: One row: where the chain ends, and up to where retention has removed acts.
audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", Integer, primary_key=True),
    # The newest act; 0: none yet.
    Column("n", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    # The last act that was removed, and its hash, from which the chain goes on; 0: none.
    Column("pruned", BigInteger, nullable=False),
    Column("pruned_hash", Text, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: An act is never changed, and removed only up to where `audit_chain` says so beforehand: a slip
#: of a program or of a person at the database is refused by the database itself.
_SQLITE: Final = (
    (
        "CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit BEGIN "
        "SELECT RAISE(ABORT, 'acts in the audit are never changed'); END"
    ),
    (
        "CREATE TRIGGER audit_not_removed BEFORE DELETE ON audit "
        "WHEN OLD.n > (SELECT pruned FROM audit_chain) BEGIN "
        "SELECT RAISE(ABORT, 'acts in the audit are removed by retention only'); END"
    ),
)
_POSTGRESQL: Final = (
    (
        "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' THEN IF OLD.n <= (SELECT pruned FROM audit_chain) THEN RETURN OLD; "
        "END IF; END IF; RAISE EXCEPTION 'acts in the audit are never changed, and removed by "
        "retention only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ),
    (
        "CREATE TRIGGER audit_not_changed BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_stays()"
    ),
    (
        "CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()"
    ),
)

for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
