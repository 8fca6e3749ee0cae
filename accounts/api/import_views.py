"""Bringing people in from another system."""

from __future__ import annotations

import uuid
from collections import Counter

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services
from accounts.api.import_serializers import (
    CHECKED_EXAMPLE,
    FINISHED_EXAMPLE,
    IMPORT_EXAMPLE,
    STARTED_EXAMPLE,
    ImportCheckedOutput,
    ImportedRowOutput,
    ImportStartedOutput,
    PeopleImportInput,
    PeopleImportOutput,
)
from core import step_up
from core.api import caller, given, listed
from core.openapi import PAGE_PARAMETERS, problems
from core.parsers import StrictJSONParser
from core.renderers import LIST_RENDERERS


class ImportParser(StrictJSONParser):
    """Takes ten thousand rows with the longest hashes there are."""

    bytes_max = constants.IMPORT_BODY_BYTES_MAX


class ImportPeopleView(APIView):
    """New people, many at once."""

    parser_classes = [ImportParser]
    scopes = {"POST": constants.USERS_IMPORT}

    @extend_schema(
        summary="Import people",
        description=(
            "Staff only; asks for a fresh login. Up to 10,000 rows, each imported by itself: "
            "with its password hash, or not at all. An e-mail address that somebody has is "
            "reported and changes nothing, so the same rows may be sent again. "
            "`dry_run` answers 200 with what would become of each row; without it the worker "
            "imports, and `imports/{id}/` tells how far it is."
        ),
        tags=["users"],
        request=PeopleImportInput,
        responses={
            200: ImportCheckedOutput,
            202: ImportStartedOutput,
            **problems(400, 401, 403, 413, 415),
        },
        examples=[
            OpenApiExample("Two people", value=IMPORT_EXAMPLE, request_only=True),
            OpenApiExample(
                "A dry run", value=CHECKED_EXAMPLE, response_only=True, status_codes=["200"]
            ),
            OpenApiExample(
                "Started", value=STARTED_EXAMPLE, response_only=True, status_codes=["202"]
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        actor = caller(request)
        step_up.require_fresh_login(actor, scope=constants.USERS_IMPORT)
        wanted = given(PeopleImportInput, request)
        people = [services.NewPerson(**row) for row in wanted["rows"]]
        if wanted["dry_run"]:
            outcomes = services.check_people(people=people, actor=actor)
            counts = Counter(outcome.outcome for outcome in outcomes)
            return Response(
                {
                    "total": len(outcomes),
                    **{name: counts[name] for name in constants.IMPORT_OUTCOMES},
                    "rows": ImportedRowOutput(outcomes, many=True).data,
                }
            )
        started = services.start_people_import(people=people, actor=actor)
        return Response(
            ImportStartedOutput(started).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": f"/api/v1/imports/{started.pk}/"},
        )


class ImportView(APIView):
    """One import."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.USERS_IMPORT}

    @extend_schema(
        summary="Show an import",
        description="Staff only. How far it is, what became of each row; as CSV the rows alone.",
        tags=["users"],
        parameters=PAGE_PARAMETERS,
        responses={200: PeopleImportOutput, **problems(400, 401, 404)},
        examples=[OpenApiExample("Finished", value=FINISHED_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, import_id: uuid.UUID) -> HttpResponseBase:
        found = selectors.people_import(import_id=import_id, actor=caller(request))
        return listed(
            request,
            scope=f"import:{import_id}",
            fetch=lambda asked: selectors.imported_rows(of=found, asked=asked),
            shape=ImportedRowOutput,
            beside={**ImportStartedOutput(found).data, **selectors.import_counts(of=found)},
        )
