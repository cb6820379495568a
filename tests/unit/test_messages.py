"""Version 1 of the wire, payload by payload: what was once written is read for ever.

`tests/fixtures/golden` holds one payload for each kind of message. A golden file is never edited:
a change of the models that cannot read it breaks nodes which are not updated at the same minute.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from broker import codec, directory
from broker import messages as m
from broker.codec import EVENT_LIMIT, Received, Unreadable
from broker.topics import METHODS, STREAMS_DOWN, STREAMS_UP, TABLE
from tests.wire_examples import ANALYSIS, EVENT, EXAMPLES, JOB, NOW, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
ABSENT = object()


def spoken() -> Iterator[type[m.Message]]:
    """Yield every model that travels: in the table, in a stream, as a question."""
    for topic in TABLE:
        yield from topic.messages
    for events in [*STREAMS_UP.values(), *STREAMS_DOWN.values()]:
        yield from events
    yield from METHODS.values()


MODELS = tuple(dict.fromkeys(spoken()))
#: Fields whose own keys are data: streams by name, free JSON.
KEYED = {"up", "down", "data", "args", "row", "conversions", "changed", "sources"}


def golden(name: str) -> Path:
    """Return where the golden payload of an example is."""
    return GOLDEN / f"{name.replace(', ', '.').replace(' ', '-')}.json"


def payload(message: m.Message) -> str:
    """Write an example as a node would."""
    return codec.text_of(message, source="edge-1", id_=EVENT, now=NOW)


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_payloads_are_read_for_ever(name: str) -> None:
    """What version 1 wrote means today what it meant then."""
    expected = EXAMPLES[name]
    file = golden(name)
    assert file.is_file(), f"a new kind of message; keep this as {file.name}:\n{payload(expected)}"
    found = codec.decode(file.read_bytes().strip(), MODELS)
    assert found == Received(expected, str(EVENT), "/edge-1", NOW)


@pytest.mark.parametrize("name", EXAMPLES)
def test_version_1_can_read_what_we_write(name: str) -> None:
    """Every field that version 1 wrote is still written, as the same JSON."""
    old = json.loads(golden(name).read_bytes())
    new = json.loads(payload(EXAMPLES[name]))
    assert lacking(old, new) == []


def lacking(old: Any, new: Any, place: str = "$") -> list[str]:  # noqa: ANN401  any JSON
    """Return the places of `old` that `new` does not repeat; what `new` adds is welcome."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(f"{place}.{key}", old[key], new.get(key, ABSENT)) for key in sorted(old)]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(f"{place}[{n}]", *pair) for n, pair in enumerate(zip(old, new, strict=True))]
    else:
        return [] if old == new and new is not ABSENT else [place]
    return [missing for at, before, after in pairs for missing in lacking(before, after, at)]


def test_every_kind_of_message_has_a_golden_payload() -> None:
    """No model travels that no golden file holds to its word, and no file is left over."""
    assert {model.__name__ for model in MODELS} == {
        type(example).__name__ for example in EXAMPLES.values()
    }
    kept = {file.name for file in GOLDEN.iterdir() if file.is_file()}
    assert {golden(name).name for name in EXAMPLES} == kept


def test_golden_directory_rows_are_read_for_ever() -> None:
    """Each kind of directory row of version 1 is the row it was."""
    found = codec.decode(golden("directory").read_bytes().strip(), (m.DirectoryRows,))
    assert isinstance(found, Received)
    rows = tuple(
        (row.kind, row.key, row.row and directory.MODELS[row.kind].model_validate(row.row))
        for row in found.message.rows
    )
    assert rows == ROWS
    assert {kind for kind, _, _ in rows} == set(directory.MODELS)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("reply, birth accepted", m.BirthAccepted),
        ("reply, funds", m.FundsAnswer),
        ("command-state", m.EdgeDigest),
    ],
)
def test_golden_answers_are_read_for_ever(*, name: str, model: type[m.Part]) -> None:
    """What replies and commands carry is read by its own model, nothing lost."""
    found = codec.decode(golden(name).read_bytes().strip(), (m.Reply, m.CommandState))
    assert isinstance(found, Received)
    data = found.message.model_dump(mode="json")["data"]
    assert model.model_validate(data).model_dump(mode="json") == data


@pytest.mark.parametrize("name", EXAMPLES)
def test_messages_round_trip(name: str) -> None:
    """What we write we read as the same message."""
    example = EXAMPLES[name]
    found = codec.decode(payload(example), (type(example),))
    assert isinstance(found, Received)
    assert found.message == example


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_later_version_adds_is_ignored(name: str) -> None:
    """Fields nobody knows yet, at any depth, change nothing."""
    event = json.loads(payload(EXAMPLES[name]))
    later = {**event, "data": grown(event["data"])}
    found = codec.decode(json.dumps(later), (type(EXAMPLES[name]),))
    assert isinstance(found, Received)
    assert found.message == EXAMPLES[name]


def grown(value: Any) -> Any:  # noqa: ANN401  any JSON
    """Add an unknown field to every object, but for those whose keys are data."""
    if isinstance(value, dict):
        inner = {key: each if key in KEYED else grown(each) for key, each in value.items()}
        return {**inner, "x_later": {"a": [1]}}
    return [grown(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_messages_are_frozen(model: type[m.Message]) -> None:
    """A message cannot be changed after it was checked."""
    example = next(each for each in EXAMPLES.values() if type(each) is model)
    name = next(iter(model.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(example, name, getattr(example, name))


def test_types_are_unique() -> None:
    """A CloudEvents type names one model, in this project's name and version."""
    types = [model.TYPE for model in MODELS]
    assert len(types) == len(set(types))
    for name in types:
        assert name.startswith("printmesh.")
        assert name.endswith(".v1")


def test_events_fit_a_stream() -> None:
    """The biggest text that people can cause in a job event is within the limit of an event."""
    wide = "紙" * 255
    held = m.JobHeld(
        job=JOB,
        queue=wide,
        user=wide,
        name=wide,
        received_at=NOW,
        counted=ANALYSIS,
        problem="紙" * 1000,
    )
    assert len(payload(held).encode()) < EVENT_LIMIT


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("charged", "postings", []),  # a charge on nobody
        ("charged", "settled_at", "2026-11-22T09:30:15"),  # no zone
        ("charged", "user", "x" * 256),
        ("charged", "printer", "lobby/up"),  # would be two topic levels
        ("charged", "attempt", 0),
        ("granted", "micros", 0),
        ("granted", "micros", -5),
        ("granted", "micros", 1.5),
        ("granted", "micros", "5000000"),  # money is never read from text
        ("granted", "micros", True),
        ("granted", "micros", 10**15 + 1),
        ("granted", "unit", "euro"),
        ("granted", "account", "ana"),  # no kind
        ("granted", "account", "user:ana@edge"),  # `@` belongs to the books
        ("granted", "reason", "gift"),
        ("returned", "micros", -1),
        ("batch", "events", []),
        ("batch", "stream", "ops"),
        ("ack", "hash", "AB" * 32),  # lower case only
        ("ack", "upto", -1),
        ("ack", "upto", 2**63),
        ("birth", "role", "leader"),
        ("job-settled", "disposition", "fine"),
        ("device", "state", "busy"),
        ("command", "command", "reboot"),
        ("status", "session", "1"),
    ],
)
def test_what_breaks_a_rule_is_refused(*, name: str, field: str, value: object) -> None:
    """A figure, name or word outside its range is Unreadable, and the reason names the field."""
    example = EXAMPLES[name]
    event = json.loads(payload(example))
    event["data"][field] = value
    found = codec.decode(json.dumps(event), (type(example),))
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(field)
