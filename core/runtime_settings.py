"""Settings that staff change while everything runs: declared in code, kept in PostgreSQL.

A setting is declared once, with its type, its bounds and its default; what is stored is only what
differs. Each process reads the table anew every five seconds, so that a change holds everywhere
within ten, with Valkey or without; should the database be away, the last words known count.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import structlog
from django.db import DatabaseError, connection, transaction

from core import audit, clock, db, errors, hooks, metrics
from core.models import RuntimeSetting
from core.principals import HOUSE_USER_ID, Principal

T = TypeVar("T", bool, int, str)
Value = bool | int | str

CHANGE: Final = "core.change_runtimesetting"
REREAD_MS: Final = 5_000
TEXT_LENGTH_MAX: Final = 200
_YES_AND_NO: Final = {"true": True, "yes": True, "false": False, "no": False}

log = structlog.get_logger(__name__)


class SettingUnknown(errors.NotFound):
    """No setting of this name can be changed at run time."""

    code = "SETTING_UNKNOWN"
    title = "No such setting"


class SettingInvalid(errors.InvalidInput):
    """The value is not one that the setting may have; nothing was changed."""

    code = "SETTING_INVALID"
    title = "The setting cannot have this value"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[T]):
    """One setting. ``default`` may be asked for late, where the environment gives it."""

    name: str
    about: str
    default: T | Callable[[], T]
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def value(self) -> T:
        """What holds in this process now; at most ten seconds old."""
        stored = _here.values().get(self.name)
        return self.default_value if stored is None else stored  # type: ignore[return-value]  # checked when it was read

    @property
    def default_value(self) -> T:
        """What holds where nobody said otherwise."""
        return self.default() if callable(self.default) else self.default

    @property
    def kind(self) -> type[Value]:
        """The type of its values."""
        return type(self.default_value)

    @property
    def allowed(self) -> str:
        """What its values may be, in words."""
        if self.kind is bool:
            return "yes or no"
        if self.choices:
            return ", ".join(self.choices)
        if self.kind is int:
            return f"{self.minimum} to {self.maximum}"
        return f"text of at most {TEXT_LENGTH_MAX} characters"

    def parse(self, text: str) -> Value:
        """Return what ``text`` means as this setting.

        Raises:
            ValueError: nothing that is allowed; says what is.
        """
        if self.kind is bool:
            if text.lower() not in _YES_AND_NO:
                raise ValueError("Must be yes or no.")
            return _YES_AND_NO[text.lower()]
        if self.kind is int:
            if not (text.isascii() and text.isdigit() and len(text) < len(str(2**63))):
                raise ValueError("Must be a whole number.")
            return self.checked(int(text))
        return self.checked(text)

    def checked(self, value: object) -> Value:
        """Return ``value`` if this setting may have it.

        Raises:
            ValueError: it may not; says what it may be.
        """
        # A bool is an int to Python, but not to whoever reads the setting.
        if type(value) is not self.kind:
            raise ValueError(f"Must be {self.allowed}.")
        if self.choices and value not in self.choices:
            raise ValueError(f"Must be one of {self.allowed}.")
        if type(value) is int and not (self.minimum or 0) <= value <= (self.maximum or value):
            raise ValueError(f"Must be {self.allowed}.")
        if isinstance(value, str) and (len(value) > TEXT_LENGTH_MAX or not value.isprintable()):
            raise ValueError(f"Must be {self.allowed}, in one line.")
        return value


_declared: dict[str, Setting[Any]] = {}


def declare(setting: Setting[T]) -> Setting[T]:
    """Let ``setting`` be changed at run time; where it is declared it is used.

    Names are unique, and the default is a value like any other.
    """
    assert setting.name not in _declared, f"{setting.name} is declared twice"
    assert callable(setting.default) or setting.checked(setting.default) == setting.default
    _declared[setting.name] = setting
    return setting


def declared() -> list[Setting[Any]]:
    """Return every setting that can be changed at run time, by name."""
    return [_declared[name] for name in sorted(_declared)]


def named(name: str) -> Setting[Any]:
    """Return the setting called ``name``.

    Raises:
        SettingUnknown: there is none.
    """
    if name not in _declared:
        raise SettingUnknown(f"No setting {name!r} can be changed at run time.")
    return _declared[name]


def change_setting(*, name: str, text: str, actor: Principal, reason: str) -> None:
    """Let a setting have the value that ``text`` means, on every process within ten seconds.

    Commits its own transaction or joins the caller's, audit row included.

    Raises:
        SettingUnknown: there is no such setting.
        SettingInvalid: it may not have this value; nothing is changed.
        PermissionRefused: ``actor`` may not change settings.
    """
    setting = named(name)
    try:
        value = setting.parse(text.strip())
    except ValueError as exc:
        fault = {"pointer": "#/value", "code": SettingInvalid.code, "detail": str(exc)}
        raise SettingInvalid(f"{name}: {exc}", errors=[fault]) from exc
    _store(setting, value, actor, reason)


def restore_default(*, name: str, actor: Principal, reason: str) -> None:
    """Give a setting its default back. Commits its own transaction or joins the caller's.

    Raises:
        SettingUnknown: there is no such setting.
        PermissionRefused: ``actor`` may not change settings.
    """
    _store(named(name), None, actor, reason)


def ensure_rows() -> None:
    """Make a row for each declared setting, so that staff find all of them; idempotent."""
    RuntimeSetting.objects.using("owner").bulk_create(
        [RuntimeSetting(name=name) for name in _declared], ignore_conflicts=True
    )


def _store(setting: Setting[Any], value: Value | None, actor: Principal, reason: str) -> None:
    actor.require(CHANGE)

    def store() -> None:
        row, _ = RuntimeSetting.objects.select_for_update().get_or_create(name=setting.name)
        before, row.value, row.changed_at = row.value, value, clock.now()
        row.save()
        audit.record(
            action="setting.change",
            actor=actor,
            user_id=HOUSE_USER_ID,
            target_type="setting",
            target_id=setting.name,
            before=before,
            after=value,
            reason=reason,
        )
        transaction.on_commit(forget)

    db.run_in_transaction(store)


class _Here:
    """What this process knows of the table. One thread reads while the others go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Value] | None = None
        self._read_at_ms = 0.0

    def values(self) -> dict[str, Value]:
        if self._values is None:
            with self._lock:
                if self._values is None:
                    self._read()
        elif self._is_stale() and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._values or {}

    def assume(self, values: dict[str, Value] | None) -> None:
        self._values, self._read_at_ms = values, clock.monotonic_ms()

    def _is_stale(self) -> bool:
        # Not inside a transaction: it may be one of those that a failed statement ends.
        return (
            clock.monotonic_ms() - self._read_at_ms > REREAD_MS and not connection.in_atomic_block
        )

    def _read(self) -> None:
        # First, so that a database that is away costs one caller in five seconds the wait.
        self._read_at_ms = clock.monotonic_ms()
        try:
            with transaction.atomic():
                found = dict(RuntimeSetting.objects.values_list("name", "value"))
        except DatabaseError as exc:
            metrics.FALLBACKS.labels(source="runtime_settings", target="earlier").inc()
            log.warning("runtime_settings_not_read", error=type(exc).__name__)
            return
        before, self._values = self._values, _usable(found)
        if before != self._values:
            hooks.fire(hooks.SETTINGS_CHANGED)


_here: Final = _Here()


def _usable(found: dict[str, Any]) -> dict[str, Value]:
    """Return what is set and may be: what another release stored may not fit this one."""
    usable: dict[str, Value] = {}
    for name, value in found.items():
        if value is None or name not in _declared:
            continue
        try:
            usable[name] = _declared[name].checked(value)
        except ValueError:
            log.warning("runtime_setting_ignored", name=name)
    return usable


def follow() -> None:
    """Notice what was changed, for what follows a setting without asking, as the log does."""
    _here.values()


def forget() -> None:
    """Read the table anew at the next question."""
    _here.assume(None)


def assume(values: dict[str, Value]) -> None:
    """Take ``values`` for what the table says, until it is read again: for tests."""
    _here.assume(values)
