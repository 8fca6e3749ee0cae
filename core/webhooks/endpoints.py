"""Who is told: endpoints, their topics and their secrets."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet

from core import audit, clock, db, errors, ids, outbound
from core.models import WebhookDelivery, WebhookEndpoint
from core.models.webhooks import DISCARDED, DUE
from core.pagination import Page, PageRequest, page_by_id
from core.principals import SYSTEM, Principal
from core.webhooks import signing
from core.webhooks.errors import AddressRefused, EndpointNotFound, TooManyEndpoints

ENDPOINTS_PER_OWNER_MAX: Final = 10
OVERLAP_S_MAX: Final = 7 * 86_400
OVERLAP_S_DEFAULT: Final = 86_400
ALL_EVENTS: Final = "core.view_outboxevent"
CHANGE_ANY: Final = "core.change_webhookendpoint"


def visible_endpoints(actor: Principal) -> QuerySet[WebhookEndpoint]:
    """Return one's own endpoints, or with the permission everybody's."""
    if actor.may("core.view_webhookendpoint"):
        return WebhookEndpoint.objects.all()
    return WebhookEndpoint.objects.filter(user_id=actor.user_id)


def page_of_endpoints(*, actor: Principal, asked: PageRequest) -> Page[WebhookEndpoint]:
    """Return a page of the endpoints ``actor`` may see, newest first, without their secrets."""
    rows = visible_endpoints(actor).defer("secret_sealed", "previous_secret_sealed")
    return page_by_id(rows, asked)


def get_endpoint(*, endpoint_id: uuid.UUID, actor: Principal) -> WebhookEndpoint:
    """Return the endpoint, if ``actor`` may see it.

    Raises:
        EndpointNotFound: no such endpoint, or not for ``actor`` to see.
    """
    endpoint = visible_endpoints(actor).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound("There is no such webhook endpoint.")
    return endpoint


def _changeable(endpoint_id: uuid.UUID, actor: Principal) -> WebhookEndpoint:
    endpoint = get_endpoint(endpoint_id=endpoint_id, actor=actor)
    if endpoint.user_id != actor.user_id and not actor.may(CHANGE_ANY):
        raise errors.PermissionRefused("To see an endpoint is not to change it.")
    return endpoint


def create_endpoint(
    *,
    url: str,
    topics: Sequence[str],
    actor: Principal,
    description: str = "",
    batch_size: int = 1,
    sees_all: bool = False,
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; return it and its secret, which is shown only now.

    It hears of what happens from now on. Commits its own transaction or joins the caller's; the
    address is resolved before.

    Raises:
        AddressRefused: not an address that we call.
        PermissionRefused: ``sees_all`` without the permission to see every event.
        TooManyEndpoints: the owner has ten.
    """
    _require_callable(url)
    if sees_all and not actor.may(ALL_EVENTS):
        raise errors.PermissionRefused("To hear of everybody takes a permission.")
    secret, endpoint_id = signing.make_secret(), ids.uuid7()

    def create() -> WebhookEndpoint:
        owned = WebhookEndpoint.objects.filter(user_id=actor.user_id).count()
        if owned >= ENDPOINTS_PER_OWNER_MAX:
            raise TooManyEndpoints(f"At most {ENDPOINTS_PER_OWNER_MAX} for one owner.")
        endpoint = WebhookEndpoint.objects.create(
            id=endpoint_id,
            user_id=actor.user_id,
            url=url,
            description=description,
            topics=list(topics),
            sees_all=sees_all,
            batch_size=batch_size,
            secret_sealed=signing.sealed(secret, endpoint_id=endpoint_id, user_id=actor.user_id),
            created_at=clock.now(),
        )
        _tell("webhook.create", endpoint, actor, url=url, topics=list(topics))
        return endpoint

    return db.run_in_transaction(create), secret


def update_endpoint(
    *, endpoint_id: uuid.UUID, version: int, actor: Principal, **changes: Any
) -> WebhookEndpoint:
    """Change address, topics, description, batch size or ``is_enabled``.

    Raises:
        EndpointNotFound: no such endpoint, or not for ``actor`` to see.
        PermissionRefused: somebody else's, and ``actor`` may not change those.
        AddressRefused: not an address that we call.
        PreconditionFailed: somebody changed it since ``version``.
    """
    if "url" in changes:
        _require_callable(changes["url"])
    if changes.get("is_enabled"):
        changes["disabled_reason"] = ""

    def change() -> WebhookEndpoint:
        endpoint = _changeable(endpoint_id, actor)
        changed = WebhookEndpoint.objects.filter(
            pk=endpoint.pk, user_id=endpoint.user_id, version=version
        ).update(**changes, version=F("version") + 1)
        if not changed:
            raise errors.PreconditionFailed("Somebody changed it; read it again.")
        _tell("webhook.change", endpoint, actor, **changes)
        return get_endpoint(endpoint_id=endpoint_id, actor=actor)

    return db.run_in_transaction(change)


def delete_endpoint(*, endpoint_id: uuid.UUID, actor: Principal) -> None:
    """Remove an endpoint; what was still due to it is not sent.

    Raises:
        EndpointNotFound: no such endpoint, or not for ``actor`` to see.
        PermissionRefused: somebody else's, and ``actor`` may not change those.
    """

    def delete() -> None:
        endpoint = _changeable(endpoint_id, actor)
        WebhookEndpoint.objects.filter(pk=endpoint.pk, user_id=endpoint.user_id).delete()
        WebhookDelivery.objects.filter(
            endpoint_id=endpoint.pk, user_id=endpoint.user_id, state=DUE
        ).update(state=DISCARDED, last_fault="The endpoint was removed.")
        _tell("webhook.delete", endpoint, actor, url=endpoint.url)

    db.run_in_transaction(delete)


def rotate_secret(
    *, endpoint_id: uuid.UUID, actor: Principal, overlap_s: int = OVERLAP_S_DEFAULT
) -> tuple[WebhookEndpoint, str]:
    """Make a new secret, shown only now; the old one signs beside it for ``overlap_s``.

    Raises:
        EndpointNotFound: no such endpoint, or not for ``actor`` to see.
        PermissionRefused: somebody else's; whoever knows a secret can speak in our name.
    """
    assert 0 <= overlap_s <= OVERLAP_S_MAX
    secret = signing.make_secret()

    def rotate() -> WebhookEndpoint:
        endpoint = get_endpoint(endpoint_id=endpoint_id, actor=actor)
        if endpoint.user_id != actor.user_id:
            raise errors.PermissionRefused("Only its owner makes a new secret.")
        WebhookEndpoint.objects.filter(pk=endpoint.pk, user_id=endpoint.user_id).update(
            previous_secret_sealed=F("secret_sealed"),
            previous_until=clock.now() + dt.timedelta(seconds=overlap_s),
            secret_sealed=signing.sealed(secret, endpoint_id=endpoint.pk, user_id=endpoint.user_id),
            version=F("version") + 1,
        )
        _tell("webhook.rotate_secret", endpoint, actor, overlap_s=overlap_s)
        return get_endpoint(endpoint_id=endpoint_id, actor=actor)

    return db.run_in_transaction(rotate), secret


def deliveries(*, endpoint_id: uuid.UUID, actor: Principal) -> QuerySet[WebhookDelivery]:
    """Return what was sent to an endpoint, and what is due.

    Raises:
        EndpointNotFound: no such endpoint, or not for ``actor`` to see.
    """
    endpoint = get_endpoint(endpoint_id=endpoint_id, actor=actor)
    return WebhookDelivery.objects.filter(endpoint_id=endpoint.pk, user_id=endpoint.user_id)


def disable_gone(endpoint: WebhookEndpoint) -> None:
    """Stop calling an endpoint that answered 410 Gone."""
    reason = "It answered 410 Gone."
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk, user_id=endpoint.user_id).update(
            is_enabled=False, disabled_reason=reason, version=F("version") + 1
        )
        _tell("webhook.disable", endpoint, SYSTEM, reason=reason)


def _require_callable(url: str) -> None:
    try:
        outbound.require_public(url)
    except outbound.CallFailed as exc:
        fault = {"pointer": "#/url", "code": AddressRefused.code, "detail": exc.reason}
        raise AddressRefused(exc.reason, errors=[fault]) from exc


def _tell(action: str, endpoint: WebhookEndpoint, actor: Principal, **data: Any) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=endpoint.user_id,
        target_type="webhook_endpoint",
        target_id=endpoint.pk,
        **data,
    )
