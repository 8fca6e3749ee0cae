"""The contract shows what to send and what comes back, for every operation."""

from __future__ import annotations

from typing import Any

import pytest

from tests import endpoints
from tests.endpoints import Operation

OPERATIONS = endpoints.operations()


def _is_shown(content: dict[str, Any]) -> bool:
    """Return whether the JSON in ``content`` has an example; MessagePack has the same shape."""
    media = content.get("application/json")
    return media is None or bool(media.get("examples"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_operation_says_what_it_does(operation: Operation):
    described = operation.described
    assert described, "the operation is missing in the OpenAPI document"
    assert described["summary"]
    assert described["tags"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_operation_has_an_example_of_each_body(operation: Operation):
    described = operation.described
    if "requestBody" in described:
        assert _is_shown(described["requestBody"]["content"]), "of the request"
    for status, response in described["responses"].items():
        if status.startswith("2"):
            assert _is_shown(response.get("content", {})), f"of the answer {status}"
