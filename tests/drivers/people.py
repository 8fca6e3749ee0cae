"""Two people in a database that will be lost: both are logged in, and Bob is erased once told to.

Prints the id of each; ends once Bob is erased, which a line on standard input asks for.
"""

from __future__ import annotations

import sys

import django

django.setup()

from core.privacy import erasure  # noqa: E402 - the settings come first
from sessions_app import services  # noqa: E402 - as above
from tests.people import make_person  # noqa: E402 - as above

ada, bob = (make_person(f"{name}@example.org") for name in ("ada", "bob"))
for person in (ada, bob):
    services.start_session(user=person.user)
print(ada.user.pk, bob.user.pk, flush=True)
sys.stdin.readline()
erasure.erase_user(user_id=bob.user.pk, reason="Asked by letter.")
