"""Django's session engine on our table, so that staff sessions are hashed, listed and endable.

The cookie holds a token like every other; the row holds its hash and the session's data.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from typing_extensions import override

from accounts.models import User
from core import clock, ids
from core.principals import Principal
from sessions_app import constants, selectors, services, tokens
from sessions_app.models import Session
from sessions_app.querysets import SessionQuerySet


class SessionStore(SessionBase):
    """Loads, stores and ends one staff session; ``row_id`` is its row's, once it was loaded."""

    row_id: uuid.UUID | None = None

    @override
    def load(self) -> dict[str, Any]:
        row = self._row()
        if row is None:
            self._session_key = None
            return {}
        self.row_id = row.pk
        return dict(row.data)

    @property
    def authenticated_at(self) -> dt.datetime | None:
        """When its person last proved who they are; ``None`` before login."""
        row = self._row()
        return row.authenticated_at if row else None

    @override
    def exists(self, session_key: str) -> bool:
        key = tokens.key_of(session_key)
        return key is not None and Session.objects.filter(token_sha256=key.sha256).exists()

    @override
    def create(self) -> None:
        # The row is written by save(), when it is known whose session it is.
        self._session_key = tokens.make_token(ids.uuid7())
        self.modified = True
        self._session_cache: dict[str, Any] = {}

    @override
    def save(self, must_create: bool = False) -> None:
        data = {} if must_create else dict(self.items())
        if self.session_key is None:
            # Also after a flush, since when something was put in.
            self._session_key = tokens.make_token(ids.uuid7())
        key = self._key()
        assert key is not None
        if self._rows(key).filter(revoked_at=None).update(data=data):
            return
        if Session.objects.filter(token_sha256=key.sha256).exists():
            raise UpdateError
        user = User.objects.filter(pk=data.get(SESSION_KEY)).first()
        if user is not None:
            services.begin_session(
                user=user,
                key=tokens.TokenKey(user.pk, key.sha256),
                kind=constants.KIND_STAFF,
                assurance_level=data.get(constants.ASSURANCE_LEVEL, 1),
                data=data,
            )

    @override
    def delete(self, session_key: str | None = None) -> None:
        key = tokens.key_of(session_key or self.session_key or "")
        row = key and self._rows(key).first()
        if row and row.user_id is not None:
            actor = Principal(kind="staff", user_id=row.user_id, session_id=row.pk)
            services.end_session(session_id=row.pk, actor=actor)

    @classmethod
    @override
    def clear_expired(cls) -> None:
        """Ended sessions are kept for the record and pruned with all others."""

    def _key(self) -> tokens.TokenKey | None:
        return tokens.key_of(self.session_key or "")

    def _row(self) -> Session | None:
        key = self._key()
        if key is None:
            return None
        now = clock.now()
        user_id: uuid.UUID | None = self._rows(key).values_list("user_id", flat=True).first()
        if user_id is None:
            return None
        row = selectors.staff_session_of_token(tokens.TokenKey(user_id, key.sha256), at=now)
        if row and now - row.last_seen_at >= dt.timedelta(seconds=constants.LAST_SEEN_PRECISION_S):
            Session.objects.unless_ended(row).update(last_seen_at=now)
        return row

    def _rows(self, key: tokens.TokenKey) -> SessionQuerySet:
        """Find by the hash alone: the token was made before it was known whose it would be.

        A session of the API is never one of the admin, whose data says who is logged in.
        """
        return Session.objects.filter(token_sha256=key.sha256, kind=constants.KIND_STAFF)
