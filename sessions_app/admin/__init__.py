"""How staff see sessions and cookies."""

from sessions_app.admin import cookies, jars, sessions

__all__ = ["cookies", "jars", "sessions"]
