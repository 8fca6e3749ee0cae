"""Passkeys by the protocol: what proves, what does not, and what a copy of one is worth."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from accounts import constants, errors, services
from accounts.models import Challenge, Factor
from accounts.tests.authenticator import USER_PRESENT, SoftwarePasskey
from accounts.tests.factors import enrolled_app, fresh
from tests.people import Person

pytestmark = pytest.mark.django_db


def _enrolled(person: Person) -> SoftwarePasskey:
    passkey = SoftwarePasskey()
    factor, options = services.begin_passkey(label="Key ring", actor=fresh(person))
    services.confirm_factor(
        factor_id=factor.pk, actor=fresh(person), credential=passkey.create(options)
    )
    return passkey


def _asked(person: Person) -> services.Question:
    question = services.ask_for_factor(user=person.user)
    assert question is not None
    return question


def _options(question: services.Question) -> dict[str, Any]:
    assert question.passkey is not None
    return question.passkey


def _answer(question: services.Question, credential, *, purpose=constants.LOGIN):
    return services.answer_challenge(token=question.token, purpose=purpose, credential=credential)


def test_passkey_answers_as_second_factor_once(ada: Person):
    passkey = _enrolled(ada)
    question = _asked(ada)
    answer = passkey.get(_options(question))
    assert _answer(question, answer) == ada.user
    with pytest.raises(errors.ChallengeEnded):
        _answer(question, answer)
    with pytest.raises(errors.FactorRefused):
        _answer(_asked(ada), answer)


def test_passkey_alone_says_who_logs_in(ada: Person, bob: Person):
    passkey, _ = _enrolled(ada), _enrolled(bob)
    question = services.ask_for_passkey()
    assert question.methods == [constants.PASSKEY]
    answer = passkey.get(_options(question))
    assert _answer(question, answer, purpose=constants.PASSKEY_LOGIN) == ada.user


@pytest.mark.parametrize("spoil", ["no_owner", "unknown_owner", "unknown_key", "nonsense"])
def test_passkey_that_is_nobodys_logs_nobody_in(ada: Person, bob: Person, spoil):
    passkey = _enrolled(ada)
    question = services.ask_for_passkey()
    answer = passkey.get(_options(question))
    if spoil == "no_owner":
        answer["response"]["userHandle"] = None
    elif spoil == "unknown_owner":
        answer["response"]["userHandle"] = SoftwarePasskey().create(
            services.begin_passkey(label="Other", actor=fresh(bob))[1]
        )["id"]
    elif spoil == "unknown_key":
        answer["id"] = answer["rawId"] = "AAAA"
    else:
        answer = {"id": 5}
    with pytest.raises(errors.FactorRefused):
        _answer(question, answer, purpose=constants.PASSKEY_LOGIN)
    assert Challenge.objects.get().answered_at is None


def test_passkey_of_another_person_proves_nothing(ada: Person, bob: Person):
    _enrolled(ada)
    theirs = _enrolled(bob)
    question = _asked(ada)
    with pytest.raises(errors.FactorRefused):
        _answer(question, theirs.get(_options(question)))
    assert Factor.objects.get(user=bob.user).last_used_at is None


def test_passkey_that_did_not_verify_its_user_is_refused(ada: Person):
    passkey = _enrolled(ada)
    question = _asked(ada)
    with pytest.raises(errors.FactorRefused):
        _answer(question, passkey.get(_options(question), flags=USER_PRESENT))
    assert Factor.objects.get(user=ada.user).sign_count == 0


def test_copied_passkey_is_found_by_its_counter(ada: Person):
    passkey = _enrolled(ada)
    stolen = copy.copy(passkey)
    question = _asked(ada)
    _answer(question, passkey.get(_options(question)))
    again = _asked(ada)
    with pytest.raises(errors.FactorRefused):
        _answer(again, stolen.get(_options(again)))


def test_question_for_an_app_has_nothing_for_a_passkey(ada: Person):
    app = enrolled_app(ada)
    question = services.ask_for_factor(user=ada.user)
    assert question is not None
    assert question.passkey is None
    code = app.code()
    answered = services.answer_challenge(token=question.token, purpose=constants.LOGIN, code=code)
    assert answered == ada.user


def test_locked_person_answers_in_vain(ada: Person):
    passkey = _enrolled(ada)
    question = _asked(ada)
    ada.user.is_active = False
    ada.user.save(update_fields=["is_active"])
    with pytest.raises(errors.FactorRefused):
        _answer(question, passkey.get(_options(question)))
