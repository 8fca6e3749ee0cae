"""How staff see sessions and cookies."""

from sessions_app.admin import jars, sessions

__all__ = ["jars", "sessions"]
