"""Registering, logging in, locking."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from django.db import IntegrityError, transaction

from accounts import errors, services
from accounts.models import User
from core import hooks
from core.models import AuditEvent, OutboxEvent
from core.principals import HOUSE_USER_ID
from tests.mailbox import join, run_jobs
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db


def test_registration_creates_person_audit_row_and_event_together():
    services.register_user(email="Eve@Example.org", password=PASSWORD, name="Eve")
    run_jobs()
    user = User.objects.get(email_normalized="eve@example.org")
    assert user.email == "Eve@example.org"
    assert user.password.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
    assert AuditEvent.objects.filter(target_id=str(user.pk), action="account.create").count() == 1
    assert OutboxEvent.objects.filter(object_id=user.pk, topic="account.created").count() == 1


def test_failure_after_the_second_insert_leaves_nothing(monkeypatch):
    def fail(**_facts: object) -> None:
        assert User.objects.filter(email="eve@example.org").exists()
        assert AuditEvent.objects.filter(action="account.create").exists()
        raise RuntimeError("the third")

    monkeypatch.setattr(hooks, "fire", lambda _event, **facts: fail(**facts))
    with pytest.raises(RuntimeError, match="the third"):
        services.open_account(email="eve@example.org", encoded_password="!")
    assert not User.objects.people().exists()
    assert not AuditEvent.objects.exists()
    assert not OutboxEvent.objects.exists()
    assert run_jobs() == 0


def test_operation_inside_one_that_fails_leaves_and_sends_nothing():
    with transaction.atomic():
        services.open_account(email="eve@example.org", encoded_password="!")
        services.create_staff_user(email="sue@example.org", role="support")
        assert User.objects.people().count() == 2
        transaction.set_rollback(True)
    assert not User.objects.people().exists()
    assert not AuditEvent.objects.exists()
    assert not OutboxEvent.objects.exists()
    assert run_jobs() == 0


@pytest.mark.parametrize("twin", ["ADA@example.org", "ada@EXAMPLE.org", "\uff41da@example.org"])
def test_registration_of_a_twin_of_a_known_address_changes_nothing(ada: Person, twin: str):
    services.register_user(email=twin, password="another long password", name="Mallory")
    run_jobs()
    ada.user.refresh_from_db()
    assert ada.user.name == "Ada"
    assert ada.user.check_password(PASSWORD)
    assert User.objects.people().count() == 1


@pytest.mark.parametrize(
    "email", ["", "ada", "a b@c.d", "a@b\r\nBcc: x@y.z", "ada@example.org\x00", "@example.org"]
)
def test_registration_refuses_what_is_no_address(email: str):
    with pytest.raises(errors.EmailInvalid):
        services.register_user(email=email, password=PASSWORD)
    assert run_jobs() == 0
    assert not User.objects.people().exists()


@pytest.mark.parametrize(
    "password", ["short", "a" * 14, "a" * 40, "ada@example.org", "é" * 513, "x" * 2000]
)
def test_registration_refuses_weak_passwords(password: str):
    with pytest.raises(errors.PasswordWeak) as refused:
        services.register_user(email="ada@example.org", password=password)
    assert refused.value.extensions["errors"][0]["pointer"] == "#/password"
    assert run_jobs() == 0
    assert not User.objects.people().exists()


def test_password_is_taken_exactly_as_sent():
    odd = "  spaces and 🔐 at the end  "
    join("eve@example.org", odd)
    assert services.verify_login(email="eve@example.org", password=odd).name == ""
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="eve@example.org", password=odd.strip())


def test_refusals_of_login_are_alike(ada: Person, bob: Person):
    services.set_active(user=bob.user, is_active=False, actor=ada.principal, reason="a test")
    refusals = set()
    for email, password in [
        ("nobody@example.org", PASSWORD),
        ("ada@example.org", "wrong password, quite long"),
        ("bob@example.org", PASSWORD),
        ("not an address", PASSWORD),
    ]:
        with pytest.raises(errors.LoginRefused) as refused:
            services.verify_login(email=email, password=password)
        refusals.add((refused.value.code, refused.value.detail))
    assert len(refusals) == 1


def test_login_hashes_an_old_password_again(ada: Person):
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    ada.user.password = "argon2" + weak.hash(PASSWORD)
    ada.user.save(update_fields=["password"])
    services.verify_login(email="ada@example.org", password=PASSWORD)
    ada.user.refresh_from_db()
    assert "m=47104" in ada.user.password


def test_locking_raises_the_epoch_and_is_audited(ada: Person, grace: Person):
    services.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    ada.user.refresh_from_db()
    assert (ada.user.is_active, ada.user.session_epoch) == (False, 1)
    event = AuditEvent.objects.get(action="account.lock")
    assert (event.user_id, event.actor_id) == (ada.user.pk, grace.user.pk)
    services.set_active(user=ada.user, is_active=True, actor=grace.principal, reason="a test")
    assert services.verify_login(email="ada@example.org", password=PASSWORD) == ada.user


def test_rehash_never_brings_back_a_password_that_was_just_replaced(ada: Person, monkeypatch):
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    User.objects.filter(pk=ada.user.pk).update(password="argon2" + weak.hash(PASSWORD))

    def overtaken(raw: str) -> str:
        User.objects.filter(pk=ada.user.pk).update(password="chosen meanwhile")
        return "hashed again"

    monkeypatch.setattr(services.login, "make_password", overtaken)
    services.verify_login(email="ada@example.org", password=PASSWORD)
    ada.user.refresh_from_db()
    assert ada.user.password == "chosen meanwhile"


def test_house_can_never_log_in():
    house = User.objects.get()  # and nobody else comes with the service
    assert house.pk == HOUSE_USER_ID
    assert not house.has_usable_password()
    with pytest.raises(IntegrityError, match="users_house_cannot_log_in"):
        User.objects.filter(pk=HOUSE_USER_ID).update(is_active=True)


def test_staff_gets_a_one_time_password_and_a_role():
    password = services.create_staff_user(email="new@example.org", role="support")
    user = services.verify_login(email="new@example.org", password=password)
    assert user.is_staff
    assert user.has_perm("sessions_app.revoke_any_session")
    assert not user.has_perm("accounts.change_user")
    with pytest.raises(errors.EmailTaken):
        services.create_staff_user(email="NEW@example.org", role="admin")
