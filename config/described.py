"""Models whose JSON schema says what their source says below each field.

pydantic can do this itself (`use_attribute_docstrings`), when a class is made: then every process
reads and parses the source of every message at its start, for a document that one command prints.
"""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class Described(BaseModel):
    """A model that reads its source when its schema is asked for."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        """Add to each field what stands below it in the source, unless it says so itself."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for base in cls.__mro__:
            if issubclass(base, Described) and base is not Described:
                for name, text in sentences(base).items():
                    if name in properties:
                        properties[name].setdefault("description", text)
        return schema


def sentences(model: type) -> dict[str, str]:
    """Return what stands as a string below each annotated name in a class's own body.

    Raises:
        OSError: there is no source.
    """
    (body,) = ast.parse(dedent(inspect.getsource(model))).body
    if not isinstance(body, ast.ClassDef):
        return {}
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = inspect.cleandoc(said)
    return found
