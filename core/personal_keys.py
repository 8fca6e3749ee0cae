"""Encryption with a key of a person's own: erasing them removes it, and nobody opens a copy.

The key lies in ``personal_key``, sealed with the key ring (:mod:`core.crypto`). What is sealed with
it begins with a byte of its own; what the ring itself sealed is still opened, and
``keys_reencrypt`` moves it on.
"""

from __future__ import annotations

import secrets
import uuid
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import crypto, ids
from core.models import PersonalKey

FORMAT: Final = b"\x02"
KEY_BYTES: Final = 32


class Box:
    """Seals and opens the values of one person; asks for their key once, when it is needed."""

    def __init__(self, user_id: uuid.UUID) -> None:
        self._user_id = user_id

    def seal(self, plaintext: bytes, *, bound_to: str) -> bytes:
        """Encrypt ``plaintext`` as :func:`core.crypto.seal` does, but with the person's key.

        The key is made when it is first needed, in the caller's transaction.
        """
        nonce = secrets.token_bytes(crypto.NONCE_BYTES)
        return FORMAT + nonce + self._sealer.encrypt(nonce, plaintext, FORMAT + bound_to.encode())

    def unseal(self, sealed: bytes, *, bound_to: str) -> bytes:
        """Return what :meth:`seal` was given, or what the ring sealed before people had keys.

        Raises:
            SealBroken: changed, bound to something else, or the person's key is gone.
        """
        if not sealed.startswith(FORMAT):
            return crypto.unseal(sealed, bound_to=bound_to)
        start = len(FORMAT) + crypto.NONCE_BYTES
        nonce, rest = sealed[len(FORMAT) : start], sealed[start:]
        try:
            return self._opener.decrypt(nonce, rest, FORMAT + bound_to.encode())
        except (InvalidTag, ValueError) as exc:
            raise crypto.SealBroken("A sealed value cannot be opened.") from exc

    @cached_property
    def _sealer(self) -> AESGCM:
        return AESGCM(derived(user_id=self._user_id, purpose="row"))

    @cached_property
    def _opener(self) -> AESGCM:
        row = PersonalKey.objects.filter(user_id=self._user_id).first()
        if row is None:
            raise crypto.SealBroken("The key of this person is gone.")
        return AESGCM(_derive(row, "row"))


def derived(*, user_id: uuid.UUID, purpose: str) -> bytes:
    """Return the key of a person for one purpose; their own is made when first needed.

    Joins the caller's transaction.
    """
    row = PersonalKey.objects.filter(user_id=user_id).first()
    if row is None:
        row = PersonalKey(id=ids.uuid7(), user_id=user_id)
        row.key_sealed = crypto.seal(secrets.token_bytes(KEY_BYTES), bound_to=_place(row))
        PersonalKey.objects.bulk_create([row], ignore_conflicts=True)
        row = PersonalKey.objects.get(user_id=user_id)
    return _derive(row, purpose)


def _derive(row: PersonalKey, purpose: str) -> bytes:
    personal = crypto.unseal(bytes(row.key_sealed), bound_to=_place(row))
    info = f"strongroom:{purpose}".encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(personal)


def _place(row: PersonalKey) -> str:
    return f"personal_key.key_sealed:{row.pk}"
