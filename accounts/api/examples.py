"""Bodies that several account endpoints show in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

ACCEPTED = OpenApiExample(
    "Accepted", value={"status": "accepted"}, response_only=True, status_codes=["202"]
)
EMAIL = OpenApiExample("Ada's address", value={"email": "ada@example.org"}, request_only=True)
LINK = OpenApiExample(
    "The token of the link", value={"token": "otl_AaH8do9zcPWjvJdxg0eJtA_..."}, request_only=True
)
LINK_AND_PASSWORD = OpenApiExample(
    "The token of the link and a password",
    value={
        "token": "otl_AaH8do9zcPWjvJdxg0eJtA_...",
        "password": "a completely different sentence",
    },
    request_only=True,
)
