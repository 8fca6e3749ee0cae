"""Password hashes that other systems made: how they are written, and what they are of.

Read are bcrypt, PBKDF2 (SHA-1, SHA-256, SHA-512), scrypt, Firebase's scrypt and argon2, in modular
crypt, PHC or Django's notation, and the bare digests of LDAP and of old Django. Those last are
:class:`Digest`: so fast to try that they must not be kept as they are. Nothing here reads settings
or the database.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

# A hash that costs more than this to check would let its owner slow everybody down.
BCRYPT_COST_MAX: Final = 15
PBKDF2_ITERATIONS_MAX: Final = 2_000_000
SCRYPT_BYTES_MAX: Final = 128 * 1024 * 1024
SCRYPT_LANES_MAX: Final = 16
ARGON2_KIB_MAX: Final = 262_144
ARGON2_PASSES_MAX: Final = 16
TEXT_LENGTH_MAX: Final = 400
# What bcrypt looks at; its implementations cut the rest off, today's library refuses it.
_BCRYPT_BYTES: Final = 72
_AES_IV: Final = bytes(16)


class UnknownHash(ValueError):
    """Not a hash in any notation known here, or one too costly to check."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bcrypt:
    """``$2a$``, ``$2b$`` or ``$2y$``."""

    text: str

    def matches(self, password: bytes) -> bool:
        """Return whether this is the hash of ``password``."""
        try:
            return bcrypt.checkpw(password[:_BCRYPT_BYTES], self.text.encode("ascii"))
        except ValueError:
            return False


@dataclasses.dataclass(frozen=True, slots=True)
class Pbkdf2:
    """PBKDF2-HMAC (RFC 8018, section 5.2)."""

    digest: str
    iterations: int
    salt: bytes
    value: bytes

    def matches(self, password: bytes) -> bool:
        """Return whether this is the hash of ``password``."""
        made = hashlib.pbkdf2_hmac(
            self.digest, password, self.salt, self.iterations, len(self.value)
        )
        return hmac.compare_digest(made, self.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Scrypt:
    """scrypt (RFC 7914)."""

    n: int
    r: int
    p: int
    salt: bytes
    value: bytes

    def matches(self, password: bytes) -> bool:
        """Return whether this is the hash of ``password``."""
        return hmac.compare_digest(_scrypt(self, password, len(self.value)), self.value)


@dataclasses.dataclass(frozen=True, slots=True)
class FirebaseScrypt:
    """Firebase's: the scrypt of the password encrypts the project's signer key.

    https://github.com/firebase/scrypt; the notation is that of Supabase Auth.
    """

    scrypt: Scrypt
    signer_key: bytes

    def matches(self, password: bytes) -> bool:
        """Return whether this is the hash of ``password``."""
        key = _scrypt(self.scrypt, password, 32)
        encryptor = Cipher(AES256(key), CTR(_AES_IV)).encryptor()
        made = encryptor.update(self.signer_key) + encryptor.finalize()
        return hmac.compare_digest(made, self.scrypt.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Argon2:
    """Argon2, kept in Django's notation by our own hasher."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """One round of MD5 or SHA, with or without salt: to be wrapped, never kept."""

    name: str
    salt: bytes
    salt_first: bool
    value: bytes

    def made_of(self, password: bytes) -> bytes:
        """Return the digest that ``password`` would have here."""
        return digest_of(self.name, self.salt, password, salt_first=self.salt_first)


Slow = Bcrypt | Pbkdf2 | Scrypt | FirebaseScrypt


def digest_of(name: str, salt: bytes, password: bytes, *, salt_first: bool) -> bytes:
    """Return one digest over password and salt."""
    content = salt + password if salt_first else password + salt
    return hashlib.new(name, content, usedforsecurity=False).digest()


def read(text: str) -> Slow | Argon2 | Digest:
    """Return what the hash ``text`` says.

    Raises:
        UnknownHash: no known notation (a plain password is none), or too costly to check.
    """
    if len(text) <= TEXT_LENGTH_MAX and text.isascii():
        for pattern, make in _NOTATIONS:
            match = pattern.fullmatch(text)
            if match:
                return make(match)
    raise UnknownHash("This is no password hash that can be imported.")


def _bcrypt(match: re.Match[str]) -> Bcrypt:
    _require(int(match["cost"]) <= BCRYPT_COST_MAX)
    return Bcrypt(match["hash"])


def _argon2(match: re.Match[str]) -> Argon2:
    _require(int(match["m"]) <= ARGON2_KIB_MAX and 0 < int(match["t"]) <= ARGON2_PASSES_MAX)
    _require(0 < int(match["p"]) <= SCRYPT_LANES_MAX)
    return Argon2("argon2" + match["hash"])


def _pbkdf2(match: re.Match[str]) -> Pbkdf2:
    return _checked_pbkdf2(match, _decoded(match["salt"]))


def _django_pbkdf2(match: re.Match[str]) -> Pbkdf2:
    return _checked_pbkdf2(match, match["salt"].encode())


def _checked_pbkdf2(match: re.Match[str], salt: bytes) -> Pbkdf2:
    iterations = int(match["iterations"])
    _require(0 < iterations <= PBKDF2_ITERATIONS_MAX)
    return Pbkdf2(match["digest"] or "sha1", iterations, salt, _value(match["value"]))


def _scrypt_phc(match: re.Match[str]) -> Scrypt:
    return _checked_scrypt(
        2 ** min(int(match["ln"]), 64), match, _decoded(match["salt"]), _value(match["value"])
    )


def _django_scrypt(match: re.Match[str]) -> Scrypt:
    return _checked_scrypt(int(match["n"]), match, match["salt"].encode(), _value(match["value"]))


def _firebase(match: re.Match[str]) -> FirebaseScrypt:
    signer_key = _decoded(match["sk"])
    value = _decoded(match["value"])
    _require(0 < len(signer_key) == len(value))
    salt = _decoded(match["salt"]) + _decoded(match["ss"])
    return FirebaseScrypt(
        _checked_scrypt(2 ** min(int(match["ln"]), 64), match, salt, value), signer_key
    )


def _checked_scrypt(n: int, match: re.Match[str], salt: bytes, value: bytes) -> Scrypt:
    r, p = int(match["r"]), int(match["p"])
    _require(n > 1 and n & (n - 1) == 0 and r > 0)
    _require(128 * n * r <= SCRYPT_BYTES_MAX and 0 < p <= SCRYPT_LANES_MAX)
    return Scrypt(n, r, p, salt, value)


def _ldap(match: re.Match[str]) -> Digest:
    scheme = match["scheme"]
    name = _LDAP[scheme]
    length = hashlib.new(name, usedforsecurity=False).digest_size
    packed = _decoded(match["value"])
    is_salted = scheme.startswith("S") and scheme not in _UNSALTED_LDAP
    _require(len(packed) > length if is_salted else len(packed) == length)
    return Digest(name, packed[length:], salt_first=False, value=packed[:length])


def _django_digest(match: re.Match[str]) -> Digest:
    value = bytes.fromhex(match["value"])
    _require(len(value) == hashlib.new(match["name"], usedforsecurity=False).digest_size)
    return Digest(match["name"], match["salt"].encode(), salt_first=True, value=value)


def _scrypt(parameters: Scrypt, password: bytes, length: int) -> bytes:
    return hashlib.scrypt(
        password,
        salt=parameters.salt,
        n=parameters.n,
        r=parameters.r,
        p=parameters.p,
        dklen=length,
        maxmem=2 * SCRYPT_BYTES_MAX,
    )


def _decoded(text: str) -> bytes:
    """Decode base64 with or without padding; passlib writes ``.`` for ``+``."""
    try:
        return base64.b64decode(
            text.rstrip("=").replace(".", "+") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except binascii.Error as exc:
        raise UnknownHash("The hash is not valid base64.") from exc


def _value(text: str) -> bytes:
    """Decode the hash proper, which must not be so short that many passwords have it."""
    value = _decoded(text)
    _require(16 <= len(value) <= 64)  # noqa: PLR2004 - 128 bits to the longest digest there is
    return value


def _require(condition: bool) -> None:  # noqa: FBT001 - reads as the condition it states
    if not condition:
        raise UnknownHash("The hash is damaged, or too costly to check.")


_LDAP: Final = {
    "MD5": "md5",
    "SMD5": "md5",
    "SHA": "sha1",
    "SSHA": "sha1",
    "SSHA256": "sha256",
    "SSHA512": "sha512",
}
_UNSALTED_LDAP: Final = frozenset({"SHA"})
_B64: Final = r"[A-Za-z0-9+/.]+={0,2}"
_INT: Final = r"[0-9]{1,8}"
_Reader = Callable[[re.Match[str]], Slow | Argon2 | Digest]
_NOTATIONS: Final[list[tuple[re.Pattern[str], _Reader]]] = [
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(?:bcrypt\$)?(?P<hash>\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53})", _bcrypt),
        (
            rf"(?:argon2)?(?P<hash>\$argon2(?:id|i|d)\$v=19\$m=(?P<m>{_INT}),t=(?P<t>{_INT}),"
            rf"p=(?P<p>{_INT})\${_B64}\${_B64})",
            _argon2,
        ),
        (
            rf"\$pbkdf2(?:-(?P<digest>sha1|sha256|sha512))?\$(?:i=)?(?P<iterations>{_INT})"
            rf"\$(?P<salt>{_B64})\$(?P<value>{_B64})",
            _pbkdf2,
        ),
        (
            rf"pbkdf2_(?P<digest>sha1|sha256|sha512)\$(?P<iterations>{_INT})"
            rf"\$(?P<salt>[^$]+)\$(?P<value>{_B64})",
            _django_pbkdf2,
        ),
        (
            rf"\$scrypt\$ln=(?P<ln>{_INT}),r=(?P<r>{_INT}),p=(?P<p>{_INT})"
            rf"\$(?P<salt>{_B64})\$(?P<value>{_B64})",
            _scrypt_phc,
        ),
        (
            rf"scrypt\$(?P<salt>[^$]+)\$(?P<n>{_INT})\$(?P<r>{_INT})\$(?P<p>{_INT})"
            rf"\$(?P<value>{_B64})",
            _django_scrypt,
        ),
        (
            rf"\$fbscrypt\$v=1,n=(?P<ln>{_INT}),r=(?P<r>{_INT}),p=(?P<p>{_INT}),"
            rf"ss=(?P<ss>{_B64}),sk=(?P<sk>{_B64})\$(?P<salt>{_B64})\$(?P<value>{_B64})",
            _firebase,
        ),
        (rf"\{{(?P<scheme>{'|'.join(_LDAP)})\}}(?P<value>{_B64})", _ldap),
        (r"(?P<name>md5|sha1)\$(?P<salt>[^$]*)\$(?P<value>[0-9a-f]+)", _django_digest),
    )
]
