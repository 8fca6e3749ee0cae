"""The contract shows what to send and what comes back, for every operation."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

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


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_operation_names_its_refusals(operation: Operation):
    """The document says what may go wrong; each refusal is a problem document."""
    described = operation.described
    expected = {"400", "406", "429", "503", "504"}
    if not operation.is_public:
        expected |= {"401", "403"}
    if operation.parameters:
        expected |= {"404"}
    if "requestBody" in described:
        expected |= {"408", "413", "415"}
    assert expected <= set(described["responses"])
    for status, response in described["responses"].items():
        if status >= "4":
            assert list(response["content"]) == ["application/problem+json"]


def test_document_is_made_without_a_warning(tmp_path):
    for version in ("v1", "v2"):
        target = str(tmp_path / f"{version}.yaml")
        options = ("--fail-on-warn", "--validate", "--api-version", version, "--file", target)
        call_command("spectacular", *options)
        assert "openapi:" in (tmp_path / f"{version}.yaml").read_text()
