"""A passkey in software: it answers what a browser's authenticator would (WebAuthn Level 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from webauthn.helpers import bytes_to_base64url

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


@dataclasses.dataclass
class SoftwarePasskey:
    """One passkey; ``copy.copy`` of it is what a thief would have."""

    key: ec.EllipticCurvePrivateKey = dataclasses.field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = dataclasses.field(default_factory=lambda: secrets.token_bytes(16))
    user_handle: str = ""
    sign_count: int = 0

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer ``navigator.credentials.create``."""
        self.user_handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32) for number in (numbers.x, numbers.y))
        # A COSE key (RFC 9052): EC2, ES256, P-256.
        public_key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        data = self._data(options["rp"]["id"], USER_PRESENT | USER_VERIFIED | HAS_CREDENTIAL)
        data += bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + public_key
        told = _client_data("webauthn.create", options["challenge"])
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            clientDataJSON=told, attestationObject=attestation, transports=["internal"]
        )

    def get(
        self, options: dict[str, Any], *, flags: int = USER_PRESENT | USER_VERIFIED
    ) -> dict[str, Any]:
        """Answer ``navigator.credentials.get``."""
        self.sign_count += 1
        data = self._data(options["rpId"], flags)
        told = _client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=told,
            authenticatorData=data,
            signature=signature,
            userHandle=self.user_handle,
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        return (
            hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4)
        )

    def _credential(self, **response: Any) -> dict[str, Any]:
        name = bytes_to_base64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                key: bytes_to_base64url(value) if isinstance(value, bytes) else value
                for key, value in response.items()
            },
        }


def _client_data(kind: str, challenge: str) -> bytes:
    origin = settings.ENV.public_url.rstrip("/")
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()
