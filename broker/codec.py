"""CloudEvents 1.0 structured JSON: message ⇄ bytes, with a size limit; bad input is a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  pydantic reads it at run time
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import SchemaValidator, core_schema

from broker.messages import Message
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

#: Bytes of one MQTT payload (DESIGN §4).
PAYLOAD_LIMIT = 64 * 1024
#: Bytes of one event's text in a stream, so that any single event fits a batch.
EVENT_LIMIT = 24 * 1024
_REASON_LIMIT = 300

M = TypeVar("M", bound=Message)


class CloudEvent(BaseModel):
    """The envelope of CloudEvents 1.0 (JSON format §3); `data` is checked by its own model."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: AwareDatetime
    data: dict[str, Any]


class Received(NamedTuple, Generic[M]):
    """A message that was understood; one is made for each, so it is the cheapest kind."""

    message: M
    id: str
    source: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What came is no message of the expected kinds."""

    reason: str
    """One line: what is wrong, without the sender's content."""


class MessageTooLarge(PrintmeshError):
    """Our own message is beyond the limit: a fault of ours, not of a peer."""


def text_of(message: Message, *, source: str, id_: UUID, now: datetime) -> str:
    """Write a message as one CloudEvents JSON object; this exact text is what streams keep."""
    # what `model_dump_json` calls, less its twenty arguments: a debit says two of these
    data = message.__pydantic_serializer__.to_json(message).decode()
    return (
        f'{{"specversion":"1.0","id":"{id_}","source":"/{source}","type":"{message.TYPE}",'
        f'"time":"{now.isoformat()}","datacontenttype":"application/json","data":{data}}}'
    )


def encode(message: Message, *, source: str, id_: UUID, now: datetime) -> bytes:
    """Return the payload of one MQTT message.

    Raises:
        MessageTooLarge: more than PAYLOAD_LIMIT bytes.
    """
    payload = text_of(message, source=source, id_=id_, now=now).encode()
    if len(payload) > PAYLOAD_LIMIT:
        raise MessageTooLarge(
            f"{message.TYPE} is {len(payload)} bytes, the limit is {PAYLOAD_LIMIT}"
        )
    return payload


def decode(
    payload: bytes | str, expected: Iterable[type[M]], *, limit: int = PAYLOAD_LIMIT
) -> Received[M] | Unreadable:
    """Read one message of the expected kinds; whatever is wrong comes back as Unreadable."""
    if len(payload) > limit:
        return Unreadable(f"{len(payload)} bytes, the limit is {limit}")
    kinds = tuple(expected)
    if kinds:
        try:
            read = _at_once(kinds).validate_json(payload)
        except (ValidationError, RecursionError):
            pass  # read again below, in steps, to say what is wrong
        else:
            return Received(read["data"], read["id"], read["source"], read["time"])
    return _in_steps(payload, kinds)


def _in_steps(payload: bytes | str, kinds: tuple[type[M], ...]) -> Received[M] | Unreadable:
    try:
        event = CloudEvent.model_validate_json(payload)
        for model in kinds:
            if event.type == model.TYPE:
                message = model.model_validate(event.data)
                return Received(message, event.id, event.source, event.time)
    except (ValidationError, RecursionError) as error:
        return Unreadable(_reason(error))
    wanted = ", ".join(model.TYPE for model in kinds)
    return Unreadable(f"unknown type {event.type[:80]!r}; expected {wanted}"[:_REASON_LIMIT])


@cache
def _at_once(kinds: tuple[type[Message], ...]) -> SchemaValidator:
    """Return what reads a CloudEvent together with its data, which takes half as long.

    It accepts what `CloudEvent` and then the model named by its type accept, and nothing else.
    """
    choices: dict[str, core_schema.CoreSchema] = {}
    parts: dict[str, core_schema.CoreSchema] = {}
    for model in kinds:
        model.model_rebuild()  # models are built on first use, and this may be the first
        schema = model.__pydantic_core_schema__
        if schema["type"] == "definitions":  # a part that two kinds share is said once for all
            parts |= {part["ref"]: part for part in schema["definitions"]}
            schema = schema["schema"]
        choices.setdefault(model.TYPE, _whole(schema))
    union = core_schema.tagged_union_schema(choices, "type")
    return SchemaValidator(core_schema.definitions_schema(union, list(parts.values())))


def _whole(data: core_schema.CoreSchema) -> core_schema.CoreSchema:
    field = core_schema.typed_dict_field
    return core_schema.typed_dict_schema(
        {
            "specversion": field(core_schema.literal_schema(["1.0"])),
            "id": field(core_schema.str_schema()),
            "source": field(core_schema.str_schema()),
            "time": field(core_schema.datetime_schema(tz_constraint="aware")),
            "data": field(data),
        }
    )


def _reason(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # a place may hold a key of the sender's: kept from writing lines of its own into a log
    steps = (step if step.isprintable() else repr(step) for step in map(str, first["loc"]))
    place = ".".join(steps) or "payload"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"[:_REASON_LIMIT]
