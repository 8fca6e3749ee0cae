"""JWTs for other services, and the keys to check them with."""

from __future__ import annotations

from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiExample, extend_schema
from jwt.algorithms import OKPAlgorithm
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.api import caller, given
from core.openapi import problems
from sessions_app import constants, services
from sessions_app.api.serializers import AccessTokenInput, AccessTokenOutput
from sessions_app.models import SigningKey


class AccessTokenView(APIView):
    """Exchange a session for a JWT."""

    stays_in_read_only = {"POST"}
    open_to_impersonators = True

    @extend_schema(
        summary="Get a JWT for another service",
        description=(
            "Answers a JWT (RFC 9068) that stands for the session for some minutes. Other services "
            "check it with the keys at `/.well-known/jwks.json`, or ask `sessions/introspect`. "
            "Here it is taken too, only while the session lives."
        ),
        tags=["auth"],
        request=AccessTokenInput,
        responses={200: AccessTokenOutput, **problems(400, 401, 403, 422)},
        examples=[
            OpenApiExample(
                "For the shop", value={"audience": "https://shop.example"}, request_only=True
            ),
            OpenApiExample(
                "A JWT",
                value={
                    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIs...",
                    "token_type": "Bearer",
                    "expires_in": 588,
                    "audience": "https://shop.example",
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = given(AccessTokenInput, request)
        made = services.issue_access_token(actor=caller(request), **asked)
        left_s = int((made.expires_at - clock.now()).total_seconds())
        return Response(
            {
                "access_token": made.text,
                "token_type": "Bearer",
                "expires_in": max(0, left_s),
                "audience": made.audience,
            }
        )


@require_safe
def jwks(_request: HttpRequest) -> HttpResponse:
    """``/.well-known/jwks.json``: the public keys of our JWTs (RFC 7517)."""
    return HttpResponse(
        orjson.dumps({"keys": [_as_jwk(key) for key in services.published_keys()]}),
        content_type="application/jwk-set+json",
        headers={"Cache-Control": f"public, max-age={constants.JWKS_MAX_AGE_S}"},
    )


def _as_jwk(key: SigningKey) -> dict[str, Any]:
    public = Ed25519PublicKey.from_public_bytes(bytes(key.public_key))
    members: dict[str, Any] = OKPAlgorithm.to_jwk(public, as_dict=True)
    return {**members, "kid": str(key.pk), "use": "sig", "alg": "EdDSA"}
