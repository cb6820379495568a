"""The audit as a chain: who did what from where, each act hashed over the one before."""

from __future__ import annotations

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_BEGINNING = "0" * 64
_SLICE = 500


def upgrade() -> None:
    """Build the new schema, chain the acts there are, and let nobody change them any more."""
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("pruned", sa.BigInteger(), nullable=False),
        sa.Column("pruned_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.add_column("audit", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column("audit", sa.Column("before", sa.Text()))
    op.add_column("audit", sa.Column("after", sa.Text()))
    op.add_column("audit", sa.Column("hash", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_audit_author", "audit", ["author", "n"], unique=False)
    op.create_index("ix_audit_act", "audit", ["act", "n"], unique=False)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    last, hash_ = _chain()
    op.execute(
        sa.text(
            "INSERT INTO audit_chain (id, n, hash, pruned, pruned_hash) "
            "VALUES (1, :n, :hash, 0, :beginning)"
        ).bindparams(n=last, hash=hash_, beginning=_BEGINNING)
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _chain() -> tuple[int, str]:
    """Hash the acts there are, oldest first; return the last one's number and hash."""
    sql = op.get_bind()
    n, previous = 0, _BEGINNING
    page = sa.text(
        "SELECT n, at, author, act, target, detail FROM audit WHERE n > :n ORDER BY n LIMIT :limit"
    )
    store = sa.text("UPDATE audit SET hash = :hash WHERE n = :n")
    while rows := sql.execute(page, {"n": n, "limit": _SLICE}).all():
        done = []
        for row in rows:
            # in the order of `central.store.audit_chain.link`; none of them knew its address
            fields = [
                row.n, row.at, row.author, "", row.act, row.target, row.detail, None, None,
            ]  # fmt: skip
            text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
            previous = sha256(f"{previous}\n{text}".encode("ascii")).hexdigest()
            n = row.n
            done.append({"n": n, "hash": previous})
        sql.execute(store, done)
    return n, previous


def _guard_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit BEGIN "
        "SELECT RAISE(ABORT, 'acts in the audit are never changed'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_not_removed BEFORE DELETE ON audit "
        "WHEN OLD.n > (SELECT pruned FROM audit_chain) BEGIN "
        "SELECT RAISE(ABORT, 'acts in the audit are removed by retention only'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' THEN IF OLD.n <= (SELECT pruned FROM audit_chain) THEN RETURN OLD; "
        "END IF; END IF; RAISE EXCEPTION 'acts in the audit are never changed, and removed by "
        "retention only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_not_changed BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_stays()"
    )
    op.execute(
        "CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()"
    )
