"""SECRET_KEY is replaced: what the old one signed holds during the change, and ends after it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.errors import ChallengeEnded
from accounts.services import offer_first_app, repeat_offer
from sessions_app.services import start_session
from tests.people import Person, make_person
from transactions.tests.money import open_account

pytestmark = pytest.mark.django_db
OLD, NEW = "o" * 50, "n" * 50


@pytest.fixture
def keys(settings):
    """Sign with the first key, and accept the others too."""

    def use(current: str, *former: str) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = current, list(former)

    use(OLD)
    return use


def test_cursors_of_before_hold_over_the_change_and_end_after_it(keys, ada: Person):
    for _ in range(3):
        open_account(ada.principal)
    _, token = start_session(user=ada.user)
    by_ada = Client(headers={"Authorization": f"Bearer {token}"})
    link = by_ada.get("/api/v1/ledger-accounts/?limit=2").json()["next"]
    keys(NEW, OLD)
    during = by_ada.get(link)
    assert (during.status_code, len(during.json()["items"])) == (200, 1)
    keys(NEW)
    after = by_ada.get(link)
    assert (after.status_code, after.json()["code"]) == (400, "VALIDATION_PAGINATION_INVALID")


def test_offers_of_a_first_factor_hold_over_the_change_and_end_after_it(keys):
    staff = make_person("operator@example.org", role="operator")
    offered = offer_first_app(user=staff.user)
    keys(NEW, OLD)
    assert repeat_offer(token=offered.token).seed == offered.seed
    keys(NEW)
    with pytest.raises(ChallengeEnded):
        repeat_offer(token=offered.token)


def test_staff_stay_logged_in_over_the_change_and_not_after_it(keys, grace: Person):
    client = Client()
    client.force_login(grace.user)
    page = reverse("admin:index")
    keys(NEW, OLD)
    assert client.get(page).status_code == 200
    stranger = Client()
    stranger.force_login(grace.user)
    keys(NEW)
    assert stranger.get(page).status_code == 200, "what the new key vouches for stays"
