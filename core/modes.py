"""Maintenance and read-only: what is refused while something is mended, and in which words.

Both are runtime settings, so they begin and end everywhere within ten seconds. Health, metrics,
documents and the staff admin stay in either. Read-only still lets people in and out: whoever may
read must be able to log in, and a stolen session must be able to end.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.http import HttpRequest

from core import db, errors, runtime_settings
from core.principals import Principal
from core.runtime_settings import Setting, declare

NORMAL: Final = "normal"
READ_ONLY: Final = "read_only"
MAINTENANCE: Final = "maintenance"
MODES: Final = (NORMAL, READ_ONLY, MAINTENANCE)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

MODE: Final = declare(
    Setting(
        name="service_mode",
        default=NORMAL,
        choices=MODES,
        about="read_only refuses what changes anything, maintenance all of the API, with 503; "
        "in both, scheduled money waits.",
    )
)
MESSAGE: Final = declare(
    Setting(
        name="service_mode_message",
        default="",
        about="What callers are told beside it, such as when it is over.",
    )
)
RETRY_AFTER_S: Final = declare(
    Setting(
        name="service_mode_retry_after_s",
        default=120,
        minimum=1,
        maximum=86_400,
        about="After how many seconds refused callers are asked to come back.",
    )
)


class InMaintenance(errors.DomainError):
    """Nothing was done; ``Retry-After`` says when to come back."""

    code = "MAINT_IN_PROGRESS"
    status = 503
    title = "The service is being maintained"


class InReadOnly(errors.DomainError):
    """Reading works, nothing was changed; ``Retry-After`` says when to come back."""

    code = "MAINT_READ_ONLY"
    status = 503
    title = "Nothing can be changed for now"


def require_open(request: HttpRequest, view_class: Any) -> None:
    """Let the request through to an operation of the API.

    A view that must work even now says so: ``stays_in_maintenance = True``, or
    ``stays_in_read_only = {"POST"}`` for methods that change nothing of worth.

    Raises:
        InMaintenance: the service is being maintained.
        InReadOnly: the operation would change something.
    """
    mode = MODE.value
    if mode == NORMAL:
        return
    if mode == MAINTENANCE and not getattr(view_class, "stays_in_maintenance", False):
        raise InMaintenance(_told("Come back later."), retry_after_s=RETRY_AFTER_S.value)
    stays: Collection[str] = getattr(view_class, "stays_in_read_only", ())
    if request.method not in _SAFE_METHODS and request.method not in stays:
        raise InReadOnly(
            _told("Reading works; what changes anything waits."),
            retry_after_s=RETRY_AFTER_S.value,
        )


def change_mode(*, mode: str, message: str = "", reason: str, actor: Principal) -> None:
    """Let the service be in ``mode`` within ten seconds, and callers be told ``message``.

    Commits its own transaction or joins the caller's, with an audit row for either setting.

    Raises:
        SettingInvalid: no such mode, or words that cannot be told; nothing is changed.
        PermissionRefused: ``actor`` may not change settings.
    """

    def change() -> None:
        for setting, text in ((MESSAGE, "" if mode == NORMAL else message), (MODE, mode)):
            runtime_settings.change_setting(
                name=setting.name, text=text, actor=actor, reason=reason
            )

    db.run_in_transaction(change)


def money_may_move() -> bool:
    """Return whether jobs may move money now; what is due waits for the next time."""
    return MODE.value == NORMAL


def _told(otherwise: str) -> str:
    return MESSAGE.value or otherwise
