"""How the caller stands in the limits."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants
from core import throttling
from core.openapi import problems


class StandingOutput(serializers.Serializer[Any]):
    """What one plan still allows."""

    scope = serializers.CharField(source="plan.scope", help_text="What is counted.")
    requests = serializers.IntegerField(source="plan.requests", help_text="The quota.")
    window_s = serializers.IntegerField(source="plan.window_s")
    is_allowed = serializers.BooleanField(help_text="Whether one more may come now.")
    remaining = serializers.IntegerField()
    reset_s = serializers.IntegerField(help_text="In how many seconds the whole quota is back.")


class RateLimitOutput(serializers.Serializer[Any]):
    """Each plan that counts the caller."""

    plans = StandingOutput(many=True)


class RateLimitView(APIView):
    """The caller's own limits."""

    scopes = {"GET": constants.ACCOUNT_READ}
    open_to_guests = True

    @extend_schema(
        summary="Show how I stand in the limits",
        description=(
            "The numbers of the headers `RateLimit-Policy` and `RateLimit`, and those of `money`. "
            "Asking counts as a request of yours."
        ),
        tags=["me"],
        responses={200: RateLimitOutput, **problems(401)},
        examples=[
            OpenApiExample(
                "Hardly used",
                value={
                    "plans": [
                        {
                            "scope": scope,
                            "requests": 1200,
                            "window_s": 60,
                            "is_allowed": True,
                            "remaining": remaining,
                            "reset_s": reset_s,
                        }
                        for scope, remaining, reset_s in (("user", 1187, 1), ("money", 1200, 0))
                    ]
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(RateLimitOutput({"plans": throttling.standings(request)}).data)
