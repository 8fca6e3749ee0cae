"""What must be right about money before anything starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections

from transactions import constants
from transactions.models import Asset


def default_asset_is_one(
    *, databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[checks.CheckMessage]:
    """Refuse a ``DEFAULT_ASSET`` that is no asset: nobody could register.

    Whether it exists is asked where databases are checked, as before every ``migrate``; on an
    empty one there is nothing to ask yet.
    """
    code: str = settings.ENV.default_asset
    if not code:
        return []
    if not re.fullmatch(constants.ASSET_PATTERN, code):
        return [checks.Error(f"DEFAULT_ASSET={code} is no asset's code.", id="transactions.E001")]
    if all(_knows(alias, code) for alias in databases or ()):
        return []
    return [
        checks.Error(
            f"DEFAULT_ASSET={code} names no asset, so nobody could register.",
            hint="Leave it empty, add the asset, then set it again.",
            id="transactions.E002",
        )
    ]


def _knows(alias: str, code: str) -> bool:
    if Asset._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001 - Django's documented Model._meta API
        return True
    return Asset.objects.using(alias).filter(code=code).exists()
