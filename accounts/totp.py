"""Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits, thirty seconds.

Those are the values every app understands; the seed has the 160 bits RFC 4226 recommends.
"""

from __future__ import annotations

import hmac

import pyotp
import segno

from accounts import constants


def make_seed() -> str:
    """Return a new seed in base32."""
    return pyotp.random_base32()


def provisioning_uri(seed: str, *, account: str) -> str:
    """Return the ``otpauth://`` address that apps read from a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=account, issuer_name=constants.SERVICE_NAME)


def qr_code(uri: str) -> str:
    """Return ``uri`` as a QR code: an SVG picture in a ``data:`` address."""
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=4)


def matching_step(seed: str, code: str, *, at_s: float) -> int | None:
    """Return the time step that ``code`` belongs to, if it is near ``at_s``.

    Every candidate is compared, and each in constant time.
    """
    now_step = int(at_s) // constants.TOTP_STEP_S
    around = constants.TOTP_STEPS_AROUND
    found = None
    for step in range(now_step - around, now_step + around + 1):
        if hmac.compare_digest(code_of_step(seed, step).encode(), code.encode()):
            found = step
    return found


def code_of_step(seed: str, step: int) -> str:
    """Return the code of one time step."""
    return pyotp.TOTP(seed, digits=constants.TOTP_DIGITS).at(step * constants.TOTP_STEP_S)
