"""How passwords are stored."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 46 MiB, one pass, one lane (OWASP ASVS 5.0, appendix C).

    Django's own parameters need twice the memory and take several times as long, which makes a
    login storm an outage.
    """

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1
