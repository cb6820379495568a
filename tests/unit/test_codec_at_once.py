"""Reading an envelope and its data at once: no other answer than reading them one after another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broker import codec
from broker.codec import CloudEvent, Received, Unreadable
from broker.messages import LEDGER_UP, Opening, Returned
from tests.wire_examples import EVENT, EXAMPLES, NOW

if TYPE_CHECKING:
    from broker.messages import Message

KINDS = tuple({type(example) for example in EXAMPLES.values()})
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["EUR", "1", "user:ana", "2026-11-22", "no", str(EVENT), 0, -1, 1.0]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def in_steps(text: str, kinds: tuple[type[Message], ...]) -> Received[Message] | None:
    """Return what the models say one after another; None when one of them refuses."""
    try:
        event = CloudEvent.model_validate_json(text)
        kind = {model.TYPE: model for model in kinds}.get(event.type)
        if kind is None:
            return None
        return Received(kind.model_validate(event.data), event.id, event.source, event.time)
    except ValidationError:
        return None


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401  any JSON
    """Return where something stands in a JSON value, at any depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, below in inner:
        found.append((*at, key))
        if isinstance(below, dict | list):
            found += places(below, (*at, key))
    return found


@given(st.data())
def test_reading_at_once_answers_as_reading_in_steps_does(data: st.DataObject) -> None:
    """Any message with something else in its place, or nothing, means the same either way."""
    example = EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))]
    event = json.loads(codec.text_of(example, source="edge-1", id_=EVENT, now=NOW))
    for _ in range(data.draw(st.integers(0, 2))):
        *way, last = data.draw(st.sampled_from(places(event) or [("data",)]))
        inside = event
        for step in way:
            inside = inside[step]
        if data.draw(st.booleans()):
            inside[last] = data.draw(ANY_JSON)
        else:
            del inside[last]
    text = json.dumps(event)
    found, expected = codec.decode(text, KINDS), in_steps(text, KINDS)
    assert isinstance(found, Unreadable) if expected is None else found == expected


def test_of_repeated_names_the_last_counts() -> None:
    """A name that stands twice in an object means what it means to everybody else."""
    text = codec.text_of(Opening(), source="edge-1", id_=EVENT, now=NOW)
    for twice in (
        text[:-1] + f',"type":"{Returned.TYPE}"}}',
        text.replace('"type":', f'"type":"{Returned.TYPE}","type":'),
        text.replace('"data":{', '"data":{"balances":1},"data":{'),
        text.replace('"data":{', '"data":{"balances":1,'),
        text.replace('"balances":[]', '"balances":[],"balances":1'),
    ):
        assert twice != text
        found, expected = codec.decode(twice, LEDGER_UP), in_steps(twice, LEDGER_UP)
        assert isinstance(found, Unreadable) if expected is None else found == expected
