"""Clients of things that not everybody has: imported only where such a thing is named."""

from __future__ import annotations

import importlib
from typing import Any


def imported(module: str, *, otherwise: type[Exception]) -> Any:
    """Return ``module``, or raise ``otherwise`` with what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        library = module.partition(".")[0]
        raise otherwise(
            f"{library} is not installed: pip install -r requirements-secrets.txt."
        ) from exc
