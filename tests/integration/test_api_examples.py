"""Promises of the interface's document: valid, every route in it, every example as it would be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis

from central.web.api import document
from central.web.api.every import ROUTES
from central.web.api.parts import PARTS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from central.web.api.table import Route

BASE = "/api/v1"


def name_of(route: Route) -> str:
    """Return what a route is called in a test's name."""
    return f"{route.method} {route.path}"


def validated(model: type[BaseModel], example: object) -> Any:  # noqa: ANN401  JSON
    """Return an example as the model would tell it."""
    found = model.model_validate_json(json.dumps(example))
    return json.loads(found.model_dump_json())


def holds(example: object, told: object) -> bool:
    """Say whether all that an example says is just so in what is told."""
    if isinstance(example, dict) and isinstance(told, dict):
        return all(key in told and holds(value, told[key]) for key, value in example.items())
    if isinstance(example, list) and isinstance(told, list):
        return len(example) == len(told) and all(map(holds, example, told))
    return example == told


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_example_is_what_the_route_takes_and_gives(route: Route) -> None:
    """Bodies and answers fit their shapes, with nothing in them that the shapes do not know."""
    example = route.example
    assert (example.answer is None) is (route.gives is None)
    assert (example.body is None) is (route.takes is None)
    if route.gives is not None:
        assert holds(example.answer, validated(route.gives, example.answer))
    if route.takes is not None:
        validated(route.takes, example.body)
    route.asks.model_validate(dict(example.asked))
    for part in route.parts:
        PARTS[part].kind.validate_python(PARTS[part].example)


def test_the_document_is_openapi_and_has_every_route() -> None:
    """It is valid OpenAPI 3.1; each line of the table is in it once, with a sentence and a name."""
    told: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
    document.add_to(told, ROUTES, BASE)
    schemathesis.openapi.from_dict(told).validate()
    operations = {
        (method.upper(), path): operation
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(each.method, BASE + each.documented_path) for each in ROUTES}
    assert len(operations) == len(ROUTES)
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    for operation in operations.values():
        assert operation["summary"]
        assert "right `" in operation["description"] or "no token" in operation["description"]


def test_whatever_is_referred_to_is_there() -> None:
    """No reference of the document leads nowhere."""
    told: dict[str, Any] = {}
    document.add_to(told, ROUTES, BASE)
    shapes = told["components"]["schemas"]
    waiting: list[Any] = [told["paths"], shapes]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("$ref"), str):
                assert each["$ref"].rsplit("/", 1)[-1] in shapes
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
