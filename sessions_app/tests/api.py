"""Calling the API inside a test, without a server."""

from __future__ import annotations

import json

from django.test import Client


def call(token: str, method: str, path: str, body: object = None, **headers: str):
    """Send one request below ``/api/v1/`` with a bearer token, if any, and a JSON body, if any."""
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().generic(
        method,
        f"/api/v1/{path}",
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={**bearer, **headers},
    )
