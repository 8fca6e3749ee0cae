"""Sessions and cookies."""

from sessions_app.models.consents import ConsentRecord, ConsentSubject, PolicyVersion
from sessions_app.models.cookies import Cookie, CookieDefinition
from sessions_app.models.jars import CookieJar, JarCookie
from sessions_app.models.refresh import RefreshFamily
from sessions_app.models.sessions import Session
from sessions_app.models.signing_keys import SigningKey

__all__ = [
    "ConsentRecord",
    "ConsentSubject",
    "Cookie",
    "CookieDefinition",
    "CookieJar",
    "JarCookie",
    "PolicyVersion",
    "RefreshFamily",
    "Session",
    "SigningKey",
]
