"""The OpenAPI 3.1 document of the table: every route with its right, shapes, problems, example."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from central.web.api.parts import PARTS
from central.web.kinds import MEANINGS, Kind
from central.web.problems import MEDIA_TYPE, Problem, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from http import HTTPStatus

    from pydantic import BaseModel

    from central.web.api.table import Route

_REF: Final = "#/components/schemas/{model}"
_SCHEME: Final = "token"
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Names the act: sent again within a day with the same key, the same request gets the same "
        "answer and is not done twice; another request is refused."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_STATE: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what is to be changed, as it was read: refused if it is other now.",
    "schema": {"type": "string", "maxLength": 255, "pattern": '^("[!#-~]*"|\\*)$'},
}
_EXAMPLES: Final[Mapping[Kind, str]] = {
    Kind.TOKEN: "This token is not known here, or no longer; `printmesh central token add` makes "
    "one.",
    Kind.RIGHT: "The token 'reports' has not the right take-money.",
    Kind.NOT_THERE: "There is no user 'anna'.",
    Kind.REFUSED: "user:ana is in EUR, not page",
    Kind.CHANGED: "It is not as If-Match says any more; read it again before you change it.",
    Kind.TOO_LONG: "A body may have 262144 bytes.",
    Kind.MEDIA_TYPE: "Send a body of `Content-Type: application/json`.",
    Kind.NOT_UNDERSTOOD: "limit: input should be less than or equal to 500; given was '501'.",
    Kind.STATE_WANTED: "Read it first, and send its ETag as If-Match.",
    Kind.TOO_MANY: "The token 'reports' has sent too many requests; wait 2 s.",
    Kind.BUSY: "The books cannot be used at present; try again in a few seconds.",
}


def add_to(document: dict[str, Any], routes: Sequence[Route], base: str) -> None:
    """Add routes to a document that has some already.

    Args:
        document: OpenAPI 3.1, changed.
        routes: the table.
        base: what all addresses begin with.
    """
    models: dict[type[BaseModel], None] = {Problem: None}
    for route in routes:
        models |= dict.fromkeys(each for each in (route.gives, route.takes) if each is not None)
    # a shape is written as it is answered; what is taken has no fields of its own there
    given = {route.takes for route in routes}
    names, shapes = models_json_schema(
        [(model, "validation" if model in given else "serialization") for model in models],
        ref_template=_REF,
    )
    by_model = {model: schema for (model, _), schema in names.items()}
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(shapes.get("$defs", {}))
    components.setdefault("securitySchemes", {})[_SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "description": "A token made by `printmesh central token add`, or that of the settings.",
    }
    paths = document.setdefault("paths", {})
    for route in routes:
        operation = _operation(route, by_model)
        paths.setdefault(base + route.documented_path, {})[route.method.lower()] = operation


def kinds_of(route: Route) -> Iterator[Kind]:
    """Yield how a request to a route may fail, besides by a fault of the program."""
    if route.right.value != "public":
        yield from (Kind.TOKEN, Kind.RIGHT, Kind.TOO_MANY)
    yield Kind.NOT_UNDERSTOOD
    yield Kind.BUSY
    if route.parts or route.names:
        yield Kind.NOT_THERE
    if route.takes is not None:
        yield from (Kind.TOO_LONG, Kind.MEDIA_TYPE)
    if route.method != "GET":
        yield Kind.REFUSED
    if route.row is not None:
        yield Kind.CHANGED
    if route.state_wanted:
        yield Kind.STATE_WANTED


def _operation(route: Route, names: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    summary, _, rest = route.says.partition("\n\n")
    needs = (
        "Needs no token."
        if route.right.value == "public"
        else f"Needs the right `{route.right.value}`"
        + (", at the site it is about." if route.at_sites else ".")
    )
    operation: dict[str, Any] = {
        "operationId": _id(route),
        "tags": [route.path.split("/")[1]],
        "summary": " ".join(summary.split()).rstrip("."),
        "description": "\n\n".join(each for each in (rest.strip(), needs) if each),
        "parameters": [*_parameters(route)],
        "responses": _responses(route, names),
    }
    if route.right.value != "public":
        operation["security"] = [{_SCHEME: []}]
    if route.takes is not None:
        content: dict[str, Any] = {"schema": names[route.takes]}
        if route.example.body is not None:
            content["example"] = route.example.body
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _id(route: Route) -> str:
    words = re.sub(r"[^a-z]+", "_", route.documented_path.lower()).strip("_")
    return f"{route.method.lower()}_{words}"


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.parts:
        part = PARTS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": part.description,
            "schema": part.kind.json_schema(),
            "example": int(part.example) if part.example.isdecimal() else part.example,
        }
    yield from _asked(route)
    if route.writes:
        yield _KEY
    if route.row is not None:
        yield {**_STATE, "required": route.state_wanted}


def _asked(route: Route) -> Iterator[dict[str, Any]]:
    shape = route.asks.model_json_schema()
    for name, field in shape.get("properties", {}).items():
        schema = _inlined(field, shape.get("$defs", {}))
        description = schema.pop("description", "")
        schema.pop("title", None)
        found = {"name": name, "in": "query", "required": name in shape.get("required", ())}
        found |= {"description": description, "schema": _given_or_not(schema)}
        if name in route.example.asked:
            found["example"] = route.example.asked[name]
        yield found


def _inlined(field: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema with what it refers to in it."""
    found = dict(field)
    if "$ref" in found:
        found = {**defs[found.pop("$ref").rsplit("/", 1)[-1]], **found}
    if "anyOf" in found:
        found["anyOf"] = [_inlined(each, defs) for each in found["anyOf"]]
    return found


def _given_or_not(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out: an address has no null."""
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(options) != 1:
        return schema
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    return {**options[0], **kept}


def _responses(route: Route, names: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if route.tagged or (route.row is not None and route.gives is not None):
        words = "Of this state: send it as If-Match to change it."
        headers["ETag"] = {"description": words, "schema": {"type": "string"}}
    found: dict[str, Any] = {}
    if route.gives is None:
        found["204"] = {"description": "Done."}
    else:
        content: dict[str, Any] = {"schema": names[route.gives]}
        if route.example.answer is not None:
            content["example"] = route.example.answer
        found[str(route.status)] = {
            "description": "Done." if route.writes else "As the books have it.",
            "content": {"application/json": content},
        }
        if headers:
            found[str(route.status)]["headers"] = headers
    if route.tagged:
        found["304"] = {"description": "As it was when it had the ETag of If-None-Match."}
    kinds: dict[HTTPStatus, list[Kind]] = {}
    for kind in kinds_of(route):
        kinds.setdefault(MEANINGS[kind].status, []).append(kind)
    found |= {str(int(status)): _problem(status, of) for status, of in sorted(kinds.items())}
    return found


def _problem(status: HTTPStatus, kinds: Iterable[Kind]) -> dict[str, Any]:
    kind, *_ = kinds
    example = problem_of(kind, _EXAMPLES[kind]).model_dump(mode="json")
    answer: dict[str, Any] = {
        "description": f"{status.phrase}: {MEANINGS[kind].title.lower()}.",
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}, "example": example}
        },
    }
    if kind in {Kind.TOO_MANY, Kind.BUSY}:
        words = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        answer["headers"] = {"Retry-After": words}
    return answer
