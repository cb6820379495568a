"""What all tables share: the metadata and how moments are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    event,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(value: datetime) -> int:
    """Return an aware datetime as it is stored: whole microseconds since 1970 UTC."""
    return (value - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Return the aware datetime, in UTC, of what is stored."""
    return _EPOCH + stored * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as whole microseconds since 1970 UTC in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the integer that is stored."""
        del dialect
        return None if value is None else instant(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the datetime, in UTC."""
        del dialect
        return None if value is None else moment(value)


#: An integer key: SQLite's own row number, a bigint elsewhere.
RowId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@event.listens_for(Column, "after_parent_attach")
def _as_wide_as_sqlites(column: Column[int], parent: object) -> None:
    """Make every integer one of 64 bits: what one database has room for, the other has as well."""
    if isinstance(parent, Table) and parent.metadata is metadata and type(column.type) is Integer:
        column.type = RowId
