"""Sentences below fields become a schema's descriptions, when it is asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.described import Described, sentences


class Root(Described):
    """What is below it."""

    number: int
    """How many."""
    plain: str = ""


class Tree(Root):
    """A model with parts of its own, and one that speaks for itself."""

    root: Root
    """The one
    below."""
    said: Annotated[int, Field(description="By itself.")] = 1
    """Not this."""

    def method(self) -> None:
        """Not a field's."""


def test_the_sentence_below_a_field_is_its_description() -> None:
    """Own and inherited fields are described, references too; what a field says itself stands."""
    schema = Tree.model_json_schema()
    described = {name: field.get("description") for name, field in schema["properties"].items()}
    assert described == {
        "number": "How many.",
        "plain": None,
        "root": "The one\nbelow.",
        "said": "By itself.",
    }
    assert schema["$defs"]["Root"]["properties"]["number"]["description"] == "How many."


def test_only_what_stands_below_a_field_is_read() -> None:
    """Docstrings of classes and methods are no field's."""
    assert sentences(Root) == {"number": "How many."}
