"""People who call the API in this process."""

from __future__ import annotations

import json

from django.test import Client

from sessions_app.services import start_session
from tests.people import Person

API = "/api/v1"


class Caller:
    """A logged-in client."""

    def __init__(self, person: Person) -> None:
        self.headers = {"Authorization": f"Bearer {start_session(user=person.user)[1]}"}

    def get(self, path: str, **headers: str):
        """Read."""
        return Client().get(f"{API}/{path}", headers={**self.headers, **headers})

    def send(self, method: str, path: str, body: object = None, **headers: str):
        """Write JSON."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client().generic(
            method,
            f"{API}/{path}",
            json.dumps(body if body is not None else {}),
            content_type="application/json",
            headers={**self.headers, **given},
        )

    def walk(self, path: str) -> list[dict[str, object]]:
        """Follow ``next`` to the end, then ``previous`` back; both ways must agree."""
        pages, url = [], f"{path}{'&' if '?' in path else '?'}limit=3"
        while url:
            page = self.get(url).json()
            pages.append(page)
            url = page["next"] and page["next"].split("/api/v1/", 1)[1]
        back = [pages[-1]]
        while previous := back[-1].get("previous"):
            back.append(self.get(previous.split("/api/v1/", 1)[1]).json())
        if "previous" in pages[0]:
            assert [page["items"] for page in reversed(back)] == [page["items"] for page in pages]
        return [item for page in pages for item in page["items"]]
