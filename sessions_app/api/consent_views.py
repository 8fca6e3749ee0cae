"""The cookie policy, and what people say to it."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final

import orjson
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, problems, text_parameter
from core.renderers import LIST_RENDERERS
from sessions_app import constants, selectors, services
from sessions_app.api import cookie_serializers as shapes
from sessions_app.services import Subject

POLICY_MAX_AGE_S: Final = 300
_SUBJECT = [
    OpenApiParameter("user_id", uuid.UUID, description="Only for the keys of services."),
    text_parameter(
        "anonymous_id",
        min_length=constants.ANONYMOUS_ID_LENGTH_MIN,
        max_length=constants.ANONYMOUS_ID_LENGTH_MAX,
        description="Only for the keys of services.",
    ),
]
_SCOPES = {"GET": constants.CONSENTS_READ, "POST": constants.CONSENTS_WRITE}
_POLICY = {
    "version": 3,
    "text": "We use cookies to ...",
    "text_sha256": "1f0c...",
    "published_at": "2026-11-20T10:00:00.000000Z",
    "categories": [
        {
            "category": "necessary",
            "cookies": [
                {
                    "name": "__Host-basket",
                    "purpose": "Keeps what is in your basket.",
                    "max_age_s": 86400,
                }
            ],
        }
    ],
}


class PolicyView(APIView):
    """What a banner shows."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Show the cookie policy",
        description="For banners: the current wording and every cookie in use, by category.",
        tags=["consents"],
        auth=[],
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)],
        responses={
            200: shapes.PolicyOutput,
            304: OpenApiResponse(description="As you know it"),
            **problems(400),
        },
        examples=[OpenApiExample("A policy", value=_POLICY, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        body = _policy_body()
        etag = f'"{hashlib.sha256(orjson.dumps(body)).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={POLICY_MAX_AGE_S}"}
        below = request._request  # noqa: SLF001 - Django's helper wants Django's request
        if get_conditional_response(below, etag=etag) is not None:
            return Response(status=304, headers=headers)
        return Response(body, headers=headers)


class PolicyVersionsView(APIView):
    """New wordings."""

    @extend_schema(
        summary="Publish a cookie policy",
        description="Staff only. Everybody is asked again: earlier consents are to other words.",
        tags=["consents"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.PolicyInput,
        responses={201: shapes.PolicyOutput, **problems(400, 401, 403, 409)},
        examples=[
            OpenApiExample("New words", value={"text": "We use cookies to ..."}, request_only=True),
            OpenApiExample("Published", value=_POLICY, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.PolicyInput, request)

        def publish() -> dict[str, Any]:
            services.publish_policy(**wanted, actor=caller(request))
            return _policy_body()

        return answer_once(request, publish)


class ConsentsView(APIView):
    """What somebody said, once and again. Nothing of it can be changed; that is 405."""

    renderer_classes = LIST_RENDERERS
    scopes = _SCOPES
    open_to_guests = True

    @extend_schema(
        summary="List consents",
        description="One's own, newest first; for the key of a service, those of whom it names.",
        tags=["consents"],
        parameters=[*PAGE_PARAMETERS, *_SUBJECT],
        responses={200: shapes.ConsentPage, **problems(400, 401, 403, 422)},
        examples=[
            OpenApiExample(
                "One consent",
                value={"items": [shapes.CONSENT_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="consents",
            fetch=lambda asked: selectors.consents(
                services.consent_subject(_asked_subject(request)),
                asked=asked,
            ),
            shape=shapes.ConsentOutput,
        )

    @extend_schema(
        summary="Record a consent",
        description=(
            "Yes or no to each category, to the policy that was shown. To withdraw, record a "
            "`withdrawal` with no to all; cookies of refused categories are revoked at once."
        ),
        tags=["consents"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ConsentInput,
        responses={201: shapes.ConsentOutput, **problems(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample(
                "By a banner",
                value={
                    "policy_version": 3,
                    "choices": {"functional": True, "analytics": False, "marketing": False},
                    "mechanism": "banner",
                    "source": "shop.example/checkout",
                    "locale": "en",
                },
                request_only=True,
            ),
            OpenApiExample("Recorded", value=shapes.CONSENT_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.ConsentInput, request)
        actor = caller(request)
        named = {key: wanted.pop(key) for key in ("user_id", "anonymous_id") if key in wanted}
        subject = services.subject_of(actor, **named)
        said = services.Said(**{**wanted, "choices": dict(wanted["choices"])})
        return answer_once(
            request,
            lambda: (
                shapes.ConsentOutput(
                    services.record_consent(subject=subject, said=said, actor=actor)
                ).data
            ),
        )


class CurrentConsentView(APIView):
    """What counts now."""

    scopes = {"GET": constants.CONSENTS_READ}
    open_to_guests = True

    @extend_schema(
        summary="Show what counts now",
        description="`must_ask`: show the banner. Until somebody agrees, they have refused.",
        tags=["consents"],
        parameters=_SUBJECT,
        responses={200: shapes.CurrentConsentOutput, **problems(400, 401, 403, 422)},
        examples=[
            OpenApiExample(
                "Said already",
                value={
                    "must_ask": False,
                    "policy_version": 3,
                    "choices": {"functional": True, "analytics": False, "marketing": False},
                    "consent": shapes.CONSENT_EXAMPLE,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        row = services.consent_subject(_asked_subject(request))
        consent, policy = selectors.live_consent(row), selectors.current_policy()
        refused = dict.fromkeys(constants.CONSENT_CATEGORIES, False)
        return Response(
            {
                "must_ask": consent is None,
                "policy_version": policy and policy.version,
                "choices": consent.choices if consent else refused,
                "consent": consent and shapes.ConsentOutput(consent).data,
            }
        )


def _asked_subject(request: Request) -> Subject:
    """Return whose consents a list is asked for.

    Raises:
        ValidationError: not such ids.
        SubjectRefused: not for the caller to name.
    """
    shape = shapes.SubjectInput(
        data={
            name: request.query_params[name]
            for name in ("user_id", "anonymous_id")
            if name in request.query_params
        }
    )
    shape.is_valid(raise_exception=True)
    return services.subject_of(caller(request), **shape.validated_data)


def _policy_body() -> dict[str, Any]:
    policy, cookies = selectors.current_policy(), selectors.active_definitions()
    categories = [
        {
            "category": category,
            "cookies": [
                shapes.PolicyCookieOutput(cookie).data
                for cookie in cookies
                if cookie.category == category
            ],
        }
        for category in constants.COOKIE_CATEGORIES
    ]
    return {
        "version": policy and policy.version,
        "text": policy.text if policy else "",
        "text_sha256": bytes(policy.text_sha256).hex() if policy else "",
        "published_at": policy and clock.as_rfc3339(policy.published_at),
        "categories": categories,
    }
