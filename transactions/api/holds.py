"""Money set aside."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from transactions import constants, selectors, services
from transactions.api import examples, queries, rendering
from transactions.api.serializers import LegOutput, PostingInput
from transactions.models import Hold


class HoldInput(PostingInput):
    """What to set aside, for whom and how long."""

    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    expires_in_s = fields.StrictIntegerField(
        minimum=1,
        maximum=constants.HOLD_EXPIRY_S_MAX,
        required=False,
        default=constants.HOLD_EXPIRY_S_DEFAULT,
        help_text="Seconds until it can no longer be captured.",
    )
    description = fields.StrictTextField(
        max_length=constants.DESCRIPTION_LENGTH_MAX, required=False
    )
    metadata = fields.MetadataField(required=False)


class CaptureInput(fields.StrictSerializer):
    """How much to post of a hold."""

    amount = fields.AmountField(
        minimum=1, required=False, help_text="Minor units; default: all that is left."
    )
    final = fields.StrictBooleanField(
        required=False,
        default=True,
        help_text="Free what is left over; false keeps it held for further captures.",
    )
    reference = fields.StrictTextField(max_length=constants.REFERENCE_LENGTH_MAX, required=False)
    description = fields.StrictTextField(
        max_length=constants.DESCRIPTION_LENGTH_MAX, required=False
    )
    metadata = fields.MetadataField(required=False)


class ReleaseInput(fields.StrictSerializer):
    """Why a hold is let go."""

    reason = fields.StrictTextField(
        max_length=constants.REASON_LENGTH_MAX, min_length=0, required=False, default=""
    )


class HoldOutput(serializers.Serializer[Hold]):
    """A hold as it is now."""

    id = fields.StrictUUIDField()
    status = serializers.CharField()
    source = fields.StrictUUIDField(source="source_id")  # type: ignore[assignment]  # the API's word
    destination = fields.StrictUUIDField(source="destination_id")
    asset = serializers.CharField(source="asset_code")
    amount = fields.StrictIntegerField()
    captured = fields.StrictIntegerField()
    remaining = fields.StrictIntegerField()
    description = serializers.CharField(allow_null=True)
    metadata = fields.MetadataField(allow_null=True)
    expires_at = fields.InstantField()
    created_at = fields.InstantField()
    closed_at = fields.InstantField(allow_null=True)


class CapturedOutput(serializers.Serializer[Any]):
    """The transaction that a capture became."""

    hold = HoldOutput()
    transaction = fields.StrictUUIDField()
    entries = LegOutput(many=True)
    recorded_at = fields.InstantField()


class HoldPage(serializers.Serializer[Any]):
    """Some holds, newest first."""

    items = HoldOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


_HOLD: dict[str, Any] = {
    "id": examples.ID,
    "status": "pending",
    "source": examples.PURSE,
    "destination": examples.FEES,
    "asset": "USD",
    "amount": 5000,
    "captured": 0,
    "remaining": 5000,
    "description": "room 12",
    "metadata": {},
    "expires_at": "2026-11-27T10:00:00.000000Z",
    "created_at": examples.AT,
    "closed_at": None,
}
_NEW = examples.sent(
    "A deposit",
    {
        "source": "purse",
        "destination": examples.FEES,
        "amount": 5000,
        "asset": "USD",
        "expires_in_s": 604800,
        "description": "room 12",
    },
)
_SHOWN = examples.shown("Pending", _HOLD)
_PARTLY: dict[str, Any] = {**_HOLD, "captured": 1250, "remaining": 3750}
_CAPTURED = examples.shown(
    "Captured in part",
    {
        "hold": _PARTLY,
        "transaction": examples.ID,
        "entries": [
            {"account": examples.PURSE, "amount": -1250, "account_seq": 18, "balance_after": 8750},
            {"account": examples.FEES, "amount": 1250, "account_seq": 7, "balance_after": 91250},
        ],
        "recorded_at": examples.AT,
    },
)


class HoldsView(APIView):
    """Holds on one's own accounts, and for them."""

    renderer_classes = LIST_RENDERERS
    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"GET": constants.HOLDS_READ, "POST": constants.HOLDS_WRITE}

    @extend_schema(
        operation_id="holds_list",
        summary="List holds",
        description="Those on or for one's own accounts, newest first; staff see all.",
        tags=["holds"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=constants.HOLD_STATUSES),
        ],
        responses={200: HoldPage, **problems(400, 401)},
        examples=[examples.shown("One hold", examples.page_of(_HOLD))],
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = queries.one_of(queries.known(request, "status"), "status", constants.HOLD_STATUSES)
        return listed(
            request,
            scope=f"holds:{wanted or ''}",
            fetch=lambda asked: selectors.holds(actor=caller(request), asked=asked, status=wanted),
            shape=HoldOutput,
        )

    @extend_schema(
        summary="Place a hold",
        description=(
            "Sets money aside on the source; only the destination can get it, until it is "
            "released or expires. It counts against the limits of both at once."
        ),
        tags=["holds"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=HoldInput,
        responses={201: HoldOutput, **problems(400, 401, 404, 409, 422, 503)},
        examples=[_NEW, _SHOWN],
    )
    def post(self, request: Request) -> Response:
        wanted = given(HoldInput, request)
        return answer_once(
            request,
            lambda: HoldOutput(_placed(wanted, request)).data,
            key_required=True,
        )


class HoldView(APIView):
    """One hold."""

    scopes: ClassVar = {"GET": constants.HOLDS_READ}

    @extend_schema(
        summary="Show a hold",
        tags=["holds"],
        responses={200: HoldOutput, **problems(401, 404)},
        examples=[_SHOWN],
    )
    def get(self, request: Request, hold_id: uuid.UUID) -> Response:
        return Response(HoldOutput(selectors.get_hold(hold_id=hold_id, actor=caller(request))).data)


class CaptureView(APIView):
    """Getting what was set aside."""

    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"POST": constants.HOLDS_WRITE}

    @extend_schema(
        summary="Capture a hold",
        description=(
            "Posts the hold or a part of it; either side's owner may. Never after it has expired."
        ),
        tags=["holds"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=CaptureInput,
        responses={201: CapturedOutput, **problems(400, 401, 403, 404, 409, 410, 422, 503)},
        examples=[examples.sent("A part", {"amount": 1250, "final": False}), _CAPTURED],
    )
    def post(self, request: Request, hold_id: uuid.UUID) -> Response:
        wanted = given(CaptureInput, request)
        return answer_once(request, lambda: _captured(hold_id, wanted, request), key_required=True)


class ReleaseView(APIView):
    """Letting money go again."""

    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"POST": constants.HOLDS_WRITE}

    @extend_schema(
        summary="Release a hold",
        description="Gives back what is left. Only the owner of the destination may, or staff.",
        tags=["holds"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=ReleaseInput,
        responses={200: HoldOutput, **problems(400, 401, 403, 404, 409)},
        examples=[
            examples.sent("Cancelled", {"reason": "The guest cancelled."}),
            examples.shown(
                "Released",
                {**_HOLD, "status": "released", "remaining": 0, "closed_at": examples.AT},
            ),
        ],
    )
    def post(self, request: Request, hold_id: uuid.UUID) -> Response:
        wanted = given(ReleaseInput, request)
        return answer_once(
            request,
            lambda: (
                HoldOutput(
                    services.release_hold(hold_id=hold_id, actor=caller(request), **wanted)
                ).data
            ),
            status=status.HTTP_200_OK,
            key_required=True,
        )


def _placed(wanted: dict[str, Any], request: Request) -> Hold:
    source, destination = ((wanted[side], wanted["asset"]) for side in ("source", "destination"))
    accounts = services.account_ids_of(
        names=[source, destination], ledger_code=wanted["ledger"], actor=caller(request)
    )
    return services.place_hold(
        ledger_id=selectors.ledger_id(wanted["ledger"]),
        posting=services.Posting(
            accounts[source], accounts[destination], wanted["amount"], wanted["asset"]
        ),
        expires_in=dt.timedelta(seconds=wanted["expires_in_s"]),
        description=wanted.get("description"),
        metadata=wanted.get("metadata"),
        actor=caller(request),
    )


def _captured(hold_id: uuid.UUID, wanted: dict[str, Any], request: Request) -> dict[str, Any]:
    done = services.capture_hold(
        hold=selectors.get_hold(hold_id=hold_id, actor=caller(request)),
        capture=services.Capture(
            amount_minor=wanted.get("amount"),
            is_final=wanted["final"],
            reference=wanted.get("reference"),
            description=wanted.get("description"),
            metadata=wanted.get("metadata"),
        ),
        actor=caller(request),
    )
    hold = selectors.get_hold(hold_id=hold_id, actor=caller(request))
    return {"hold": HoldOutput(hold).data, **rendering.posted_briefly(done)}
