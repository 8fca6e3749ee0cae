"""Hashes of other systems against the vectors that their makers published."""

from __future__ import annotations

import base64
import dataclasses

import pytest
from django.contrib.auth.hashers import check_password
from hypothesis import given
from hypothesis import strategies as st

from accounts import foreign_hashers, foreign_hashes


def b64(value: bytes | str) -> str:
    return base64.b64encode(bytes.fromhex(value) if isinstance(value, str) else value).decode()


FIREBASE_KEY = (
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
RFC6070 = "4b007901b765489abead49d926f721d065a429c1"
RFC7914_PBKDF2 = (
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
)
RFC7914_SCRYPT = (
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
)
PBKDF2_SHA512 = (
    "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
    "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"
)
# (where the vector is from, hash, password)
VECTORS = [
    (
        "crypt_blowfish by Openwall, wrapper.c",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "U*U",
    ),
    (
        "crypt_blowfish by Openwall: only 72 bytes count",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "chars after 72 are ignored",
    ),
    ("RFC 6070, c=4096", f"$pbkdf2$4096${b64(b'salt')}${b64(RFC6070)}", "password"),
    (
        "RFC 6070, in Django's notation",
        f"pbkdf2_sha1$4096$salt${b64(RFC6070)}",
        "password",
    ),
    (
        "RFC 7914, section 11",
        f"$pbkdf2-sha256$i=1${b64(b'salt')}${b64(RFC7914_PBKDF2)}",
        "passwd",
    ),
    (
        "CPython, Lib/test/test_hashlib.py, PBKDF2 with SHA-512, c=1",
        f"$pbkdf2-sha512$1${b64(b'salt')}${b64(PBKDF2_SHA512)}",
        "password",
    ),
    (
        "RFC 7914, section 12",
        f"$scrypt$ln=14,r=8,p=1${b64(b'SodiumChloride')}${b64(RFC7914_SCRYPT)}",
        "pleaseletmein",
    ),
    (
        "RFC 7914, section 12, in Django's notation",
        f"scrypt$SodiumChloride$16384$8$1${b64(RFC7914_SCRYPT)}",
        "pleaseletmein",
    ),
    (
        "github.com/zitadel/passwap, internal/testvalues/scrypt.go",
        "$scrypt$ln=16,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "password",
    ),
    (
        "github.com/firebase/scrypt, README",
        f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={FIREBASE_KEY}$42xEC+ixf3L2lw==$lSrfV15cpx95/"
        "sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "user1password",
    ),
    (
        "github.com/supabase/auth, internal/crypto/password_test.go",
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0"
        "/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/"
        "w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
        "mytestpassword",
    ),
    (
        "argon2 reference implementation, src/test.c",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "password",
    ),
    (
        "argon2 reference implementation, in Django's notation, argon2i",
        "argon2$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "password",
    ),
    ("OpenLDAP Administrator's Guide", "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3", "secret"),
    ("RFC 1321, appendix A.5", "md5$$f96b697d7cb7938d525a2f31aaf161d0", "message digest"),
    ("FIPS 180-2, appendix A.1", "sha1$$a9993e364706816aba3e25717850c26c9cd0d89d", "abc"),
    (
        "FIPS 180-2, appendix A.1, in LDAP's notation",
        f"{{SHA}}{b64('a9993e364706816aba3e25717850c26c9cd0d89d')}",
        "abc",
    ),
]


@pytest.mark.parametrize(
    ("text", "password"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_published_vector_is_checked_as_published(text: str, password: str):
    stored = foreign_hashers.stored_form(text)
    assert check_password(password, stored)
    assert not check_password("X" + password, stored)


@pytest.mark.parametrize("text", [row[1] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_owner_of_an_imported_hash_gets_one_of_ours_at_login(text: str):
    password = next(row[2] for row in VECTORS if row[1] == text)
    given_to_setter: list[str] = []
    assert check_password(password, foreign_hashers.stored_form(text), given_to_setter.append)
    assert given_to_setter == [password]


@pytest.mark.parametrize("text", [row[1] for row in VECTORS if row[1][0] in "{ms"])
def test_fast_digest_is_never_kept_as_it_is(text: str):
    made = foreign_hashes.read(text)
    if isinstance(made, foreign_hashes.Digest):
        stored = foreign_hashers.stored_form(text)
        assert stored.startswith("wrapped$")
        assert "argon2$argon2id$v=19$m=47104,t=1,p=1$" in stored
        for form in (made.value.hex(), b64(made.value).rstrip("=")):
            assert form not in stored


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_old_django_salts_before_the_password(name: str):
    value = foreign_hashes.digest_of(name, b"pepper", b"secret", salt_first=True).hex()
    assert check_password("secret", foreign_hashers.stored_form(f"{name}$pepper${value}"))


PLAIN = ["password", "correct horse battery staple", "5f4dcc3b5aa765d61d8327deb882cf99", ""]
DAMAGED = [
    "$2b$10$tooshort",
    "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "{SHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
    "md5$$f96b697d7cb7938d525a2f31aaf161",
    "$pbkdf2$4096$c2FsdA$c2hvcnQ",
    "$scrypt$ln=14,r=8,p=1$c2FsdA$!!!!",
    f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={FIREBASE_KEY}$42xEC+ixf3L2lw==$ZGlmZmVyZW50aGFzaA==",
    "{CRYPT}$1$salt$hash",
    "argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
]
COSTLY = [
    "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    f"$pbkdf2$2000001${b64(b'salt')}${b64(RFC6070)}",
    f"$scrypt$ln=18,r=8,p=1${b64(b'salt')}${b64(RFC7914_SCRYPT)}",
    f"$scrypt$ln=99999999,r=8,p=1${b64(b'salt')}${b64(RFC7914_SCRYPT)}",
    f"$scrypt$ln=14,r=8,p=17${b64(b'salt')}${b64(RFC7914_SCRYPT)}",
    "$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=65536,t=17,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
]


@pytest.mark.parametrize("text", [*PLAIN, *DAMAGED, *COSTLY])
def test_what_is_no_hash_or_costs_too_much_is_refused(text: str):
    with pytest.raises(foreign_hashes.UnknownHash):
        foreign_hashers.stored_form(text)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str):
    try:
        made = foreign_hashes.read(text)
    except foreign_hashes.UnknownHash:
        return
    assert dataclasses.is_dataclass(made)


@given(st.text(max_size=100))
def test_no_password_breaks_a_check(password: str):
    for text in (VECTORS[0][1], f"$pbkdf2$1${b64(b'salt')}${b64(RFC6070)}"):
        assert not check_password(password + "!", foreign_hashers.stored_form(text))
