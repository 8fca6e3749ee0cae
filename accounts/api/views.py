"""One's own account."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors
from accounts.api.serializers import ACCOUNT_EXAMPLE, AccountOutput
from core import etags
from core.api import caller
from core.openapi import problems


class MeView(APIView):
    """The caller's own account."""

    scopes = {"GET": constants.ACCOUNT_READ}

    @extend_schema(
        summary="Show my account",
        tags=["me"],
        responses={200: AccountOutput, **problems(401)},
        examples=[
            OpenApiExample(
                "Ada",
                value=ACCOUNT_EXAMPLE,
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        user = selectors.get_user(user_id=caller(request).user_id, actor=caller(request))
        return Response(AccountOutput(user).data, headers={"ETag": etags.of_version(user.version)})
