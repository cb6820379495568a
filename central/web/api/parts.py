"""Parts of addresses that vary: what each may be, for requests and for the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from central.web.api.table import Key, Line, UserName
from config.ids import NodeId

if TYPE_CHECKING:
    from collections.abc import Mapping

_Number = Annotated[int, Field(ge=1, lt=2**63)]
_Small = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an address that varies."""

    kind: TypeAdapter[Any]
    description: str
    example: str


PARTS: Final[Mapping[str, Part]] = {
    "name": Part(TypeAdapter(UserName), "User name, in any case.", "ana"),
    "key": Part(TypeAdapter(Key), "`kind:name`: `user:ana`.", "user:ana"),
    "uuid": Part(TypeAdapter(UUID), "job-uuid.", "019aaba6-0b12-7000-8000-000000000006"),
    "id": Part(TypeAdapter(UUID), "Of the request.", "019aaba6-0b12-7000-8000-000000000009"),
    "node": Part(TypeAdapter(NodeId), "Node id.", "north"),
    "device": Part(TypeAdapter(NodeId), "Device id.", "north-1"),
    "card": Part(
        TypeAdapter(Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{6,64}$")]),
        "The beginning of its digest, as lists of cards have it.",
        "9f2c41d07ab3",
    ),
    "group": Part(TypeAdapter(Line), "A group's name.", "staff"),
    "grant": Part(TypeAdapter(Line), "A periodic grant's name.", "term pages"),
    "version": Part(TypeAdapter(_Number), "A tariff's version.", "3"),
    "n": Part(TypeAdapter(_Number), "An act's number.", "17"),
    "role": Part(
        TypeAdapter(Literal["administrator", "site-administrator", "operator", "auditor"]),
        "A role.",
        "operator",
    ),
    "kind": Part(TypeAdapter(Line), "A kind of problem.", "refused"),
    "event": Part(
        TypeAdapter(Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$")]),
        "`STREAM.SEQ`, as the list of what was put aside has it.",
        "4.17",
    ),
    "code": Part(
        TypeAdapter(UUID), "Of the wish for a code.", "019aaba6-0b12-7000-8000-00000000000a"
    ),
    "till": Part(
        TypeAdapter(_Small),
        "A till's name.",
        "front-desk",
    ),
    "webhook": Part(
        TypeAdapter(_Small),
        "What people call it.",
        "erp",
    ),
    "wish": Part(
        TypeAdapter(UUID), "Of the wish for a job.", "019aaba6-0b12-7000-8000-00000000000c"
    ),
    "service": Part(TypeAdapter(Line), "A directory service of the settings.", "staff"),
    "receipt": Part(TypeAdapter(_Number), "A receipt's number.", "1"),
    "session": Part(TypeAdapter(_Number), "A session of a till.", "1"),
    "registration": Part(TypeAdapter(_Number), "Of somebody who waits.", "1"),
}
