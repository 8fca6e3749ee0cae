"""The files a cookie jar can be exported as, by the names ``?format=`` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer
from typing_extensions import override

from core.renderers import JSONRenderer


class PlaywrightRenderer(JSONRenderer):
    """A Playwright storageState."""

    format = "playwright"


class NetscapeRenderer(BaseRenderer):
    """A cookies.txt."""

    media_type = "text/plain"
    format = "netscape"
    charset = "utf-8"

    @override
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return str(data).encode()


class PythonRenderer(NetscapeRenderer):
    """A cookies.txt as Python's http.cookiejar reads it."""

    format = "python"
