"""Cookie paths (section 5.1.4)."""

from __future__ import annotations


def default_path(uri_path: str) -> str:
    """Return the folder of ``uri_path``: what a cookie without ``Path`` belongs to."""
    if not uri_path.startswith("/") or uri_path.count("/") == 1:
        return "/"
    return uri_path[: uri_path.rindex("/")]


def path_matches(request_path: str, cookie_path: str) -> bool:
    """Return whether a request for ``request_path`` is within ``cookie_path``."""
    if not request_path.startswith(cookie_path):
        return False
    return (
        len(request_path) == len(cookie_path)
        or cookie_path.endswith("/")
        or request_path[len(cookie_path)] == "/"
    )
