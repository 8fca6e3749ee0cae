"""One's own second factors. Keys and impersonators cannot touch them."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services, totp
from accounts.api.factor_serializers import (
    CREDENTIAL_EXAMPLE,
    FACTOR_EXAMPLE,
    FACTOR_ID,
    RECOVERY_CODES_EXAMPLE,
    AnswerInput,
    BeginFactorInput,
    BegunFactorOutput,
    ConfirmedFactorOutput,
    FactorList,
    FactorOutput,
    RecoveryCodesOutput,
)
from core.api import caller, given, listed_whole
from core.openapi import problems
from core.renderers import LIST_RENDERERS


class FactorsView(APIView):
    """What one proves oneself with beside the password."""

    renderer_classes = LIST_RENDERERS
    settles = {"factor"}

    @extend_schema(
        operation_id="me_mfa_factors_list",
        summary="List my second factors",
        tags=["mfa"],
        responses={200: FactorList, **problems(401)},
        examples=[
            OpenApiExample(
                "An app",
                value={"items": [FACTOR_EXAMPLE], "recovery_codes_left": 10},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        actor = caller(request)
        return listed_whole(
            request,
            name="factors",
            rows=[FactorOutput(factor).data for factor in selectors.factors(actor=actor)],
            shape=FactorOutput,
            beside={"recovery_codes_left": selectors.recovery_codes_left(actor=actor)},
        )

    @extend_schema(
        summary="Begin to add a second factor",
        description=(
            "Answers what the authenticator app, or the browser, is to be given. The factor "
            "counts once it is confirmed, within ten minutes. Asks for a fresh login."
        ),
        tags=["mfa"],
        request=BeginFactorInput,
        responses={201: BegunFactorOutput, **problems(400, 401, 403, 409)},
        examples=[
            OpenApiExample(
                "An app", value={"kind": "totp", "label": "Telephone"}, request_only=True
            ),
            OpenApiExample(
                "Its seed",
                value={
                    "id": FACTOR_ID,
                    "kind": "totp",
                    "app": {
                        "secret": "JBSWY3DPEHPK3PXP...",
                        "uri": "otpauth://totp/Strongroom:ada%40example.org?secret=JBSW...",
                        "qr_code": "data:image/svg+xml;charset=utf-8,...",
                    },
                    "passkey": None,
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        asked, actor = given(BeginFactorInput, request), caller(request)
        begun: dict[str, Any] = {"app": None, "passkey": None}
        if asked["kind"] == constants.TOTP:
            factor, seed = services.begin_app(label=asked["label"], actor=actor)
            uri = totp.provisioning_uri(seed, account=factor.user.email)
            begun["app"] = {"secret": seed, "uri": uri, "qr_code": totp.qr_code(uri)}
        else:
            factor, begun["passkey"] = services.begin_passkey(label=asked["label"], actor=actor)
        body = {"id": factor.pk, "kind": factor.kind, **begun}
        return Response(BegunFactorOutput(body).data, status=status.HTTP_201_CREATED)


class FactorView(APIView):
    """One second factor."""

    @extend_schema(
        summary="Remove a second factor",
        description=(
            "With the last one, the recovery codes go too. Asks for a fresh login with a second "
            "factor."
        ),
        tags=["mfa"],
        responses={204: None, **problems(401, 403, 404, 409)},
    )
    def delete(self, request: Request, factor_id: uuid.UUID) -> Response:
        services.remove_factor(factor_id=factor_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConfirmFactorView(APIView):
    """The proof that a new factor works."""

    settles = {"factor"}

    @extend_schema(
        summary="Confirm a second factor",
        description=(
            "Give a code of the app, or what the browser answered. From now on logins ask for a "
            "second factor. The first one brings ten recovery codes, shown only here."
        ),
        tags=["mfa"],
        request=AnswerInput,
        responses={200: ConfirmedFactorOutput, **problems(400, 401, 403, 404, 429)},
        examples=[
            OpenApiExample("A code", value={"code": "287082"}, request_only=True),
            OpenApiExample(
                "A passkey", value={"credential": CREDENTIAL_EXAMPLE}, request_only=True
            ),
            OpenApiExample(
                "Confirmed",
                value={"factor": FACTOR_EXAMPLE, "recovery_codes": RECOVERY_CODES_EXAMPLE},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, factor_id: uuid.UUID) -> Response:
        answer = given(AnswerInput, request)
        factor, codes = services.confirm_factor(
            factor_id=factor_id, actor=caller(request), **answer
        )
        return Response({"factor": FactorOutput(factor).data, "recovery_codes": codes})


class RecoveryCodesView(APIView):
    """Ten codes for the day the telephone is lost."""

    @extend_schema(
        summary="Make new recovery codes",
        description=("The ones before stop working. Asks for a fresh login with a second factor."),
        tags=["mfa"],
        request=None,
        responses={201: RecoveryCodesOutput, **problems(401, 403, 409)},
        examples=[
            OpenApiExample(
                "Ten codes",
                value={"recovery_codes": RECOVERY_CODES_EXAMPLE},
                response_only=True,
                status_codes=["201"],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        codes = services.renew_recovery_codes(actor=caller(request))
        return Response({"recovery_codes": codes}, status=status.HTTP_201_CREATED)
