"""Imported passwords, until their owners log in: then they are hashed as all others are."""

from __future__ import annotations

import base64
from typing import Final

from django.contrib.auth.hashers import BasePasswordHasher
from typing_extensions import override

from accounts import foreign_hashes
from accounts.hashers import Argon2idPasswordHasher, hashing

_SEPARATOR: Final = "$"


class ForeignPasswordHasher(BasePasswordHasher):
    """A slow hash that another system made, as it came: ``foreign$<its text>``."""

    algorithm = "foreign"

    @override
    def verify(self, password: str, encoded: str) -> bool:
        made = foreign_hashes.read(encoded.removeprefix(f"{self.algorithm}{_SEPARATOR}"))
        assert isinstance(made, foreign_hashes.Slow), "others are never stored like this"
        return hashing(lambda: made.matches(_bytes_of(password)))

    @override
    def encode(self, password: str, salt: str) -> str:
        raise NotImplementedError("Nothing new is hashed like this.")

    @override
    def must_update(self, encoded: str) -> bool:
        return True


class WrappedDigestHasher(Argon2idPasswordHasher):
    """Argon2id over a fast digest: ``wrapped$<digest>$<order>$<salt>$argon2$...``.

    A stolen database gives the digests away to nobody.
    """

    algorithm = "wrapped"

    @override
    def verify(self, password: str, encoded: str) -> bool:
        _, name, order, salt, inner = encoded.split(_SEPARATOR, 4)
        digest = foreign_hashes.digest_of(
            name, base64.b64decode(salt), _bytes_of(password), salt_first=order == "sp"
        )
        return Argon2idPasswordHasher().verify(digest.hex(), inner)

    @override
    def encode(self, password: str, salt: str) -> str:
        raise NotImplementedError("Nothing new is hashed like this.")

    @override
    def must_update(self, encoded: str) -> bool:
        return True


def stored_form(text: str) -> str:
    """Return how the foreign hash ``text`` is kept: as it is, or wrapped in argon2id.

    Raises:
        UnknownHash: not a hash that can be imported.
        HashingBusy: too many passwords are being hashed.
    """
    made = foreign_hashes.read(text)
    if isinstance(made, foreign_hashes.Argon2):
        return made.text
    if not isinstance(made, foreign_hashes.Digest):
        return f"{ForeignPasswordHasher.algorithm}{_SEPARATOR}{text}"
    hasher = Argon2idPasswordHasher()
    return _SEPARATOR.join(
        (
            WrappedDigestHasher.algorithm,
            made.name,
            "sp" if made.salt_first else "ps",
            base64.b64encode(made.salt).decode(),
            hasher.encode(made.value.hex(), hasher.salt()),
        )
    )


def _bytes_of(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
