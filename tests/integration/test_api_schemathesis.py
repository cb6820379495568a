"""The promise that no request that can be made of the document is a fault of the program.

Each operation is asked with a fixed number of requests, the same in every run: some as documented,
some not. Answers are held against the document as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from central.web.paging import TEXT
from tests.integration.api_lab import Lab, app_of, fill, things, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import APIOperation, Case

#: Requests to each operation; there are some hundred and fifty.
_REQUESTS: Final = 6
#: Tests that share them, so that none takes long even where much else runs.
_PARTS: Final = 3
_CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
_HOW: Final = settings(
    max_examples=_REQUESTS,
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything; requests change it as they come."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def with_any_character(document: Any) -> Any:  # noqa: ANN401  JSON
    """Return a document whose texts may have any character, NUL too: so it is sent as well.

    Besides, an automaton for a thousand characters of which none is NUL takes longer than all that
    is asked, and each operation would have some.
    """
    if isinstance(document, dict):
        return {
            name: with_any_character(value)
            for name, value in document.items()
            if not (name == "pattern" and value == TEXT)
        }
    if isinstance(document, list):
        return [with_any_character(each) for each in document]
    return document


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_no_request_of_the_document_is_a_fault(lab: Lab, part: int) -> None:
    """Whatever is sent to whichever operation, by who may do all, is answered as documented."""
    app = app_of(lab)
    schema = schemathesis.openapi.from_dict(with_any_character(app.openapi()))
    schema.app = app
    shown = {"Authorization": f"Bearer {token_of(lab)}"}
    there = things(lab)
    asked = 0

    def try_out(operation: APIOperation[Any, Any, Any, Any]) -> None:
        @seed(1)
        @_HOW
        @given(case=operation.as_strategy())
        def one(case: Case[Any]) -> None:
            nonlocal asked
            asked += 1
            if asked % 2:
                # by chance nobody finds anything: every other request is about what there is
                case.path_parameters = {
                    name: there.get(name, value) for name, value in case.path_parameters.items()
                }
            answer = case.call(headers=shown)
            case.validate_response(answer, checks=list(_CHECKS))

        one()

    for number, found in enumerate(schema.get_all_operations()):
        assert isinstance(found, Ok)
        if number % _PARTS == part:
            try_out(found.ok())
    assert asked > 80
