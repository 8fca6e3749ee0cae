"""Remarks on transactions."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from transactions import constants, selectors, services
from transactions.api import examples, queries
from transactions.models import TransactionNote


class NoteInput(fields.StrictSerializer):
    """A remark."""

    text = fields.StrictTextField(max_length=constants.NOTE_LENGTH_MAX)


class NoteOutput(serializers.Serializer[TransactionNote]):
    """A remark and who wrote it."""

    id = fields.StrictUUIDField()
    author = fields.StrictUUIDField(source="user_id")
    text = serializers.CharField()
    created_at = fields.InstantField()


class NotePage(serializers.Serializer[Any]):
    """Some remarks, newest first."""

    items = NoteOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


_NOTE = {
    "id": examples.ID,
    "author": examples.ADA,
    "text": "The customer has called.",
    "created_at": examples.AT,
}


class NotesView(APIView):
    """Remarks on one transaction."""

    renderer_classes = LIST_RENDERERS
    scopes: ClassVar = {
        "GET": constants.TRANSACTIONS_READ,
        "POST": constants.TRANSACTIONS_WRITE,
    }

    @extend_schema(
        operation_id="transaction_notes_list",
        summary="List notes on a transaction",
        description="One's own, newest first; staff see everybody's.",
        tags=["transactions"],
        parameters=PAGE_PARAMETERS,
        responses={200: NotePage, **problems(400, 401, 404)},
        examples=[examples.shown("One note", examples.page_of(_NOTE))],
    )
    def get(self, request: Request, transaction_id: uuid.UUID) -> HttpResponseBase:
        queries.known(request)
        selectors.get_transaction(transaction_id=transaction_id, actor=caller(request))
        return listed(
            request,
            scope=f"notes:{transaction_id}",
            fetch=lambda asked: selectors.notes(
                transaction_id=transaction_id, actor=caller(request), asked=asked
            ),
            shape=NoteOutput,
        )

    @extend_schema(
        summary="Add a note to a transaction",
        description="It stays: notes are neither changed nor deleted.",
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY],
        request=NoteInput,
        responses={201: NoteOutput, **problems(400, 401, 404)},
        examples=[
            examples.sent("A call", {"text": "The customer has called."}),
            examples.shown("Written", _NOTE),
        ],
    )
    def post(self, request: Request, transaction_id: uuid.UUID) -> Response:
        wanted = given(NoteInput, request)
        return answer_once(
            request,
            lambda: (
                NoteOutput(
                    services.add_note(
                        transaction_id=transaction_id, actor=caller(request), **wanted
                    )
                ).data
            ),
        )
