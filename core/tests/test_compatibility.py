"""A change that would break clients is found and named; one that adds is let through."""

from __future__ import annotations

import copy
from io import StringIO

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from core import documents
from core.compatibility import breaking_changes

OLD = yaml.safe_load("""
paths:
  /things/:
    get:
      parameters: [{name: limit, in: query, schema: {type: integer, maximum: 100}}]
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/T'}}}}}
    post:
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/N'}}}
      responses: {'201': {content: {application/json: {schema: {$ref: '#/components/schemas/T'}}}}}
components:
  schemas:
    T:
      type: object
      required: [id, state]
      properties:
        id: {type: string}
        state: {type: string, enum: [open, closed]}
        parent: {$ref: '#/components/schemas/T'}
    N:
      type: object
      required: [name]
      properties: {name: {type: string, maxLength: 10}, note: {type: string}}
""")
BREAKING = {
    "operation": lambda new: new["paths"]["/things/"].pop("post"),
    "field of an answer": lambda new: _shape(new, "T")["properties"].pop("id"),
    "field of a request": lambda new: _shape(new, "N")["properties"].pop("note"),
    "required now": lambda new: _shape(new, "N")["required"].append("note"),
    "missing now": lambda new: _shape(new, "T")["required"].remove("id"),
    "type": lambda new: _shape(new, "T")["properties"]["id"].update(type="integer"),
    "new answer": lambda new: _shape(new, "T")["properties"]["state"]["enum"].append("lost"),
    "shorter": lambda new: _shape(new, "N")["properties"]["name"].update(maxLength=5),
    "parameter": lambda new: new["paths"]["/things/"]["get"].pop("parameters"),
    "limit": lambda new: new["paths"]["/things/"]["get"]["parameters"][0]["schema"].update(
        maximum=50
    ),
    "status": lambda new: new["paths"]["/things/"]["post"].update(responses={"202": {}}),
}


def _shape(document, name):
    return document["components"]["schemas"][name]


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_clients_is_found(change):
    new = copy.deepcopy(OLD)
    BREAKING[change](new)
    assert len(breaking_changes(OLD, new)) in (1, 2)


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        ("^(?:id)(?:,(?:id))*$", "^(?:id|state)(?:,(?:id|state))*$", False),
        ("^(?:id|state)(?:,(?:id|state))*$", "^(?:state)(?:,(?:state))*$", True),
        ("^(?:id)(?:,(?:id))*$", "^(?:id|state)$", True),
        ("^a+$", "^a+$", False),
        ("^a+$", "^a*$", True),
    ],
)
def test_pattern_breaks_unless_it_only_offers_more_names(before, after, breaks):
    old, new = copy.deepcopy(OLD), copy.deepcopy(OLD)
    for document, pattern in ((old, before), (new, after)):
        (limit,) = document["paths"]["/things/"]["get"]["parameters"]
        limit["schema"] = {"type": "string", "pattern": pattern}
    assert bool(breaking_changes(old, new)) is breaks


def test_what_only_adds_is_let_through():
    new = copy.deepcopy(OLD)
    _shape(new, "T")["properties"]["more"] = {"type": "string"}
    _shape(new, "N")["properties"]["more"] = {"type": "string"}
    _shape(new, "N")["properties"]["name"]["maxLength"] = 20
    new["paths"]["/others/"] = new["paths"]["/things/"]
    assert breaking_changes(OLD, new) == []


@pytest.mark.long
def test_gate_fails_on_a_removed_field_of_the_real_document(monkeypatch):
    today = documents.parsed(documents.openapi("v1"))
    del today["components"]["schemas"]["AccountOutput"]["properties"]["email"]
    text = yaml.dump(today, Dumper=yaml.CSafeDumper)
    monkeypatch.setattr(documents, "openapi", lambda version: text)
    with pytest.raises(CommandError, match="email: the field is gone"):
        call_command("openapi_compare", stdout=StringIO())


def test_released_documents_are_there():
    for version in ("v1", "v2"):
        assert (settings.BASE_DIR / "docs" / "released" / f"openapi-{version}.yaml").is_file()
