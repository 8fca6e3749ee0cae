"""WebAuthn (W3C Level 3) for our one relying party: what is asked, and whether the answer holds.

A passkey must verify its user (finger, face, PIN), so it proves two things at once. Attestation is
not asked for: whose make a passkey is does not matter here.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
import uuid
from collections.abc import Iterable
from typing import Any

import orjson
import webauthn
from django.conf import settings
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts import constants

_KNOWN_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}
# What the library raises for malformed input beside its own exceptions.
_REFUSALS = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)


class PasskeyRefused(Exception):
    """The browser's answer does not prove what was asked."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewPasskey:
    """What is kept of a passkey that was just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    is_backed_up: bool


@dataclasses.dataclass(frozen=True, slots=True)
class KnownPasskey:
    """A passkey as it is stored."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]


def creation_options(
    *, user_id: uuid.UUID, account: str, challenge: bytes, known: Iterable[KnownPasskey]
) -> dict[str, Any]:
    """Return what ``navigator.credentials.create`` takes, in JSON form."""
    options = webauthn.generate_registration_options(
        rp_id=_rp_id(),
        rp_name=constants.SERVICE_NAME,
        user_id=user_id.bytes,
        user_name=account,
        user_display_name=account,
        challenge=challenge,
        timeout=constants.CHALLENGE_TTL_S * 1_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return _as_json(options)


def request_options(*, challenge: bytes, known: Iterable[KnownPasskey] = ()) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` takes; without ``known``, any passkey will do."""
    options = webauthn.generate_authentication_options(
        rp_id=_rp_id(),
        challenge=challenge,
        timeout=constants.CHALLENGE_TTL_S * 1_000,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _as_json(options)


def verify_creation(credential: dict[str, Any], *, challenge: bytes) -> NewPasskey:
    """Return the passkey that ``credential`` tells of.

    Raises:
        PasskeyRefused: another challenge, origin or relying party, no user verification, nonsense.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_rp_id(),
            expected_origin=_origins(),
            require_user_verification=True,
        )
        told = credential["response"].get("transports") or []
    except _REFUSALS as exc:
        raise PasskeyRefused(str(exc)) from exc
    return NewPasskey(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=sorted({name for name in told if name in _KNOWN_TRANSPORTS}),
        is_backed_up=made.credential_backed_up,
    )


def verify_request(credential: dict[str, Any], *, challenge: bytes, known: KnownPasskey) -> int:
    """Return the new signature counter, if ``credential`` is ``known`` answering ``challenge``.

    A counter that does not rise is a copied passkey (Level 3, 7.2, step 22).

    Raises:
        PasskeyRefused: anything else.
    """
    try:
        return webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_rp_id(),
            expected_origin=_origins(),
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        ).new_sign_count
    except _REFUSALS as exc:
        raise PasskeyRefused(str(exc)) from exc


def claimed_by(credential: dict[str, Any]) -> tuple[bytes, uuid.UUID | None]:
    """Return which passkey ``credential`` says it is, and whose; nothing is proved yet.

    Raises:
        PasskeyRefused: it says neither.
    """
    try:
        handle = credential["response"].get("userHandle")
        owner = uuid.UUID(bytes=base64url_to_bytes(handle)) if handle else None
        return base64url_to_bytes(credential["id"]), owner
    except _REFUSALS as exc:
        raise PasskeyRefused(str(exc)) from exc


def _descriptors(known: Iterable[KnownPasskey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(name) for name in passkey.transports] or None,
        )
        for passkey in known
    ]


def _rp_id() -> str:
    public_host = urllib.parse.urlsplit(settings.ENV.public_url).hostname
    return settings.ENV.webauthn_rp_id or public_host or ""


def _origins() -> list[str]:
    return [settings.ENV.public_url.rstrip("/"), *settings.ENV.webauthn_origins]


def _as_json(options: Any) -> dict[str, Any]:
    written: dict[str, Any] = orjson.loads(webauthn.options_to_json(options))
    return written
