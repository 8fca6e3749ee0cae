"""Production as it ships, with its static files straight from their packages.

``collectstatic`` would compress for a minute, and changes no header and no page.
"""

from __future__ import annotations

from config.settings import *  # noqa: F403 - the same settings, but for two
from config.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
