"""Second factors: what proves, what does not, and what is left of them in the database."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts import constants, errors, services, totp
from accounts.models import Challenge, Factor, RecoveryCode
from accounts.services import proofs
from accounts.tests.factors import enrolled_app, fresh
from core import clock, crypto
from core.errors import RateLimited, ScopeMissing, StepUpRequired
from core.models import AuditEvent, OutboxEvent
from core.personal_keys import Box
from core.principals import Principal
from tests.mailbox import mails_to
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def hold_clock(monkeypatch):
    """A clock that stands in the middle of a time step until it is moved."""
    moment = [dt.datetime(2026, 11, 21, 10, 0, 15, tzinfo=dt.UTC)]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def move(seconds: int) -> None:
        moment[0] += dt.timedelta(seconds=seconds)

    return move


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(at_s, expected):
    seed = base64.b32encode(b"12345678901234567890").decode()
    code = totp.code_of_step(seed, at_s // 30)
    assert code == expected[-6:]
    assert totp.matching_step(seed, code, at_s=at_s) == at_s // 30


def test_attack_15_code_of_a_step_passes_once(ada: Person, hold_clock):
    app = enrolled_app(ada)
    code = app.code()
    proofs.use_code(user=ada.user, code=code)
    for again in (code, app.code(steps_on=-1)):
        with pytest.raises(errors.FactorRefused):
            proofs.use_code(user=ada.user, code=again)
    hold_clock(30)
    with pytest.raises(errors.FactorRefused):
        proofs.use_code(user=ada.user, code=code)
    proofs.use_code(user=ada.user, code=app.code())


@pytest.mark.parametrize(("steps_on", "passes"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clock_of_a_telephone_may_be_one_step_off(ada: Person, hold_clock, steps_on, passes):
    app = enrolled_app(ada)
    Factor.objects.update(last_step=0)
    try:
        proofs.use_code(user=ada.user, code=app.code(steps_on=steps_on))
    except errors.FactorRefused:
        assert not passes
    else:
        assert passes


def test_confirming_uses_its_code_up(ada: Person, hold_clock):
    app = enrolled_app(ada)
    with pytest.raises(errors.FactorRefused):
        proofs.use_code(user=ada.user, code=app.code(steps_on=-1))


@pytest.mark.parametrize("code", ["", "000000", "1234567", "éééééé", "AAAA-BBBB", "\x00"])
def test_other_texts_prove_nothing(ada: Person, hold_clock, code):
    app = enrolled_app(ada)
    assert app.code() != "000000"
    with pytest.raises(errors.FactorRefused):
        proofs.use_code(user=ada.user, code=code)


def test_recovery_code_works_once_however_it_is_typed(ada: Person):
    app = enrolled_app(ada)
    assert len(set(app.recovery_codes)) == 10
    assert all(len(code.replace("-", "")) * 5 >= 112 for code in app.recovery_codes)
    proofs.use_code(user=ada.user, code=app.recovery_codes[3].lower().replace("-", ""))
    with pytest.raises(errors.FactorRefused):
        proofs.use_code(user=ada.user, code=app.recovery_codes[3])
    assert RecoveryCode.objects.filter(user=ada.user, used_at=None).count() == 9
    told = mails_to("ada@example.org")[-1]
    assert told.subject == "A recovery code was used"
    assert "9 are left" in told.body
    assert app.recovery_codes[3] not in told.body


def test_codes_and_factors_of_others_prove_nothing(ada: Person, bob: Person):
    theirs = enrolled_app(bob)
    enrolled_app(ada)
    for code in (theirs.code(), theirs.recovery_codes[0]):
        with pytest.raises(errors.FactorRefused):
            proofs.use_code(user=ada.user, code=code)
    proofs.use_code(user=bob.user, code=theirs.recovery_codes[0])


def test_neither_seed_nor_code_is_readable_in_the_database(ada: Person):
    app = enrolled_app(ada)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT string_agg(f::text, ' ') FROM factor f)"
            " || (SELECT string_agg(r::text, ' ') FROM recovery_code r)"
            " || (SELECT string_agg(a::text, ' ') FROM audit_event a)"
        )
        (text,) = cursor.fetchone()
    raw = base64.b32decode(app.seed)
    for secret in (app.seed, app.seed.encode().hex(), raw.hex(), *app.recovery_codes):
        assert secret not in text
    factor = Factor.objects.get(pk=app.factor_id)
    stored = bytes(factor.seed_sealed or b"")
    with pytest.raises(crypto.SealBroken):
        Box(ada.user.pk).unseal(stored, bound_to="factor.seed_sealed:another row")


def test_first_factor_brings_codes_mail_audit_and_event_the_second_no_codes(
    ada: Person,
):
    enrolled_app(ada)
    factor, seed = services.begin_app(label="Tablet", actor=fresh(ada, level=2))
    code = totp.code_of_step(seed, int(clock.now().timestamp()) // 30)
    _, codes = services.confirm_factor(factor_id=factor.pk, actor=fresh(ada, level=2), code=code)
    assert codes == []
    assert AuditEvent.objects.filter(action="account.factor_add").count() == 2
    assert OutboxEvent.objects.filter(topic="account.factor_added").count() == 2
    subjects = [told.subject for told in mails_to("ada@example.org")]
    assert subjects == ["A second factor was added"] * 2


def test_unconfirmed_factor_counts_for_nothing_and_is_forgotten(ada: Person, hold_clock):
    factor, seed = services.begin_app(label="Telephone", actor=fresh(ada))
    assert services.ask_for_factor(user=ada.user) is None
    with pytest.raises(errors.FactorUnproved):
        services.confirm_factor(factor_id=factor.pk, actor=fresh(ada), code="000000")
    assert not RecoveryCode.objects.exists()
    hold_clock(constants.FACTOR_PENDING_S)
    code = totp.code_of_step(seed, int(clock.now().timestamp()) // 30)
    with pytest.raises(errors.FactorNotFound):
        services.confirm_factor(factor_id=factor.pk, actor=fresh(ada), code=code)


def test_factor_of_somebody_else_is_not_there(ada: Person, bob: Person):
    app = enrolled_app(ada)
    with pytest.raises(errors.FactorNotFound):
        services.remove_factor(factor_id=app.factor_id, actor=fresh(bob, level=2))
    begun, seed = services.begin_app(label="Mine", actor=fresh(bob))
    code = totp.code_of_step(seed, int(clock.now().timestamp()) // 30)
    with pytest.raises(errors.FactorNotFound):
        services.confirm_factor(factor_id=begun.pk, actor=fresh(ada), code=code)
    assert Factor.objects.get(pk=app.factor_id).confirmed_at is not None


def _stale(person: Person) -> Principal:
    long_ago = clock.now() - dt.timedelta(minutes=11)
    return dataclasses.replace(fresh(person, level=2), authenticated_at=long_ago)


def _half(person: Person) -> Principal:
    return dataclasses.replace(fresh(person), assurance_level_required=2)


@pytest.mark.parametrize("who", [_stale, _half])
def test_changes_need_a_fresh_login_at_the_full_level(ada: Person, who):
    app = enrolled_app(ada)
    before = set(RecoveryCode.objects.values_list("pk", flat=True))
    for change in (
        lambda: services.begin_app(label="x", actor=who(ada)),
        lambda: services.begin_passkey(label="x", actor=who(ada)),
        lambda: services.remove_factor(factor_id=app.factor_id, actor=who(ada)),
        lambda: services.renew_recovery_codes(actor=who(ada)),
    ):
        with pytest.raises(StepUpRequired):
            change()
    assert set(RecoveryCode.objects.values_list("pk", flat=True)) == before
    assert Factor.objects.count() == 1


def test_first_factor_can_be_added_where_one_is_enforced(ada: Person):
    services.set_mfa_enforced(user=ada.user, is_enforced=True, actor=ada.principal)
    services.begin_app(label="Telephone", actor=_half(ada))
    assert Factor.objects.filter(user=ada.user, label="Telephone").exists()


def test_keys_cannot_touch_factors(ada: Person):
    key = Principal(kind="key", user_id=ada.user.pk, scopes=frozenset({"account:read"}))
    with pytest.raises(ScopeMissing):
        services.begin_app(label="x", actor=key)
    with pytest.raises(ScopeMissing):
        services.renew_recovery_codes(actor=key)


def test_removing_the_last_factor_takes_the_codes_with_it(ada: Person):
    app = enrolled_app(ada)
    services.remove_factor(factor_id=app.factor_id, actor=fresh(ada, level=2))
    assert not Factor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert services.ask_for_factor(user=ada.user) is None
    assert AuditEvent.objects.filter(action="account.factor_remove").count() == 1
    assert mails_to("ada@example.org")[-1].subject == "A second factor was removed"


@pytest.mark.parametrize("why", ["enforced", "staff"])
def test_last_factor_stays_where_one_is_needed(ada: Person, grace: Person, monkeypatch, why):
    person = ada if why == "enforced" else grace
    if why == "enforced":
        services.set_mfa_enforced(user=ada.user, is_enforced=True, actor=grace.principal)
    else:
        env = dataclasses.replace(settings.ENV, staff_mfa="required")
        monkeypatch.setattr(settings, "ENV", env)
    app = enrolled_app(person)
    with pytest.raises(errors.FactorNeeded):
        services.remove_factor(factor_id=app.factor_id, actor=fresh(person, level=2))
    assert Factor.objects.filter(pk=app.factor_id).exists()


def test_staff_can_remove_what_somebody_lost(ada: Person, grace: Person):
    enrolled_app(ada)
    assert services.remove_all_factors(user=ada.user, actor=grace.principal) == 1
    assert services.ask_for_factor(user=ada.user) is None
    assert AuditEvent.objects.get(action="account.factor_remove").actor_id == grace.user.pk


def test_staff_cannot_do_away_with_their_own_factors(grace: Person):
    enrolled_app(grace)
    with pytest.raises(errors.OwnAccount):
        services.remove_all_factors(user=grace.user, actor=grace.principal)
    assert Factor.objects.count() == 1


def test_there_are_at_most_ten(ada: Person, monkeypatch):
    monkeypatch.setattr(constants, "FACTORS_MAX", 1)
    enrolled_app(ada)
    with pytest.raises(errors.FactorsTooMany):
        services.begin_app(label="x", actor=fresh(ada, level=2))


def test_attack_15_sixth_answer_is_not_heard(ada: Person, hold_clock):
    app = enrolled_app(ada)
    question = services.ask_for_factor(user=ada.user)
    assert question is not None
    assert question.methods == ["totp", "recovery_code"]
    for _ in range(5):
        with pytest.raises(errors.FactorRefused):
            services.answer_challenge(token=question.token, purpose="login", code="000000")
    with pytest.raises(errors.ChallengeEnded):
        services.answer_challenge(token=question.token, purpose="login", code=app.code())


def test_new_questions_do_not_grant_new_guesses(ada: Person, hold_clock):
    app = enrolled_app(ada)
    for number in range(11):
        question = services.ask_for_factor(user=ada.user)
        assert question is not None
        expected = errors.FactorRefused if number < 10 else RateLimited
        code = "000000" if number < 10 else app.code()
        with pytest.raises(expected):
            services.answer_challenge(token=question.token, purpose="login", code=code)


def test_question_is_answered_once(ada: Person, hold_clock):
    app = enrolled_app(ada)
    question = services.ask_for_factor(user=ada.user)
    assert question is not None
    answered = services.answer_challenge(token=question.token, purpose="login", code=app.code())
    assert answered == ada.user
    with pytest.raises(errors.ChallengeEnded):
        services.answer_challenge(token=question.token, purpose="login", code=app.recovery_codes[0])
    assert RecoveryCode.objects.filter(used_at=None).count() == 10


@pytest.mark.parametrize("change", ["purpose", "token", "late", "epoch", "locked", "session"])
def test_question_is_bound_to_what_it_was_asked_for(ada: Person, hold_clock, change):
    app = enrolled_app(ada)
    question = services.ask_for_factor(user=ada.user)
    assert question is not None
    given: dict[str, Any] = {
        "token": question.token,
        "purpose": "login",
        "code": app.recovery_codes[0],
    }
    if change == "purpose":
        given["purpose"] = "reauthenticate"
    elif change == "token":
        sha256 = hashlib.sha256(question.token.encode()).digest()
        assert bytes(Challenge.objects.get().token_sha256) == sha256
        given["token"] = f"{question.token[:-43]}{sha256.hex()[:43]}"
    elif change == "late":
        hold_clock(constants.CHALLENGE_TTL_S)
    elif change == "epoch":
        ada.user.session_epoch += 1
        ada.user.save(update_fields=["session_epoch"])
    elif change == "locked":
        ada.user.is_active = False
        ada.user.save(update_fields=["is_active"])
    else:
        given["session_id"] = ada.user.pk
    with pytest.raises((errors.ChallengeEnded, errors.FactorRefused)):
        services.answer_challenge(**given)
    assert RecoveryCode.objects.filter(used_at=None).count() == 10


def test_old_questions_are_swept(ada: Person, hold_clock):
    enrolled_app(ada)
    for _ in range(3):
        services.ask_for_factor(user=ada.user)
    hold_clock(constants.CHALLENGE_TTL_S + 1)
    services.ask_for_factor(user=ada.user)
    assert Challenge.objects.count() == 1
