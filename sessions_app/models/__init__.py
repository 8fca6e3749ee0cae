"""Sessions and cookies."""

from sessions_app.models.jars import CookieJar, JarCookie
from sessions_app.models.sessions import Session

__all__ = [
    "CookieJar",
    "JarCookie",
    "Session",
]
