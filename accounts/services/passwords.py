"""What makes a password good enough."""

from __future__ import annotations

from django.conf import settings

from accounts import constants, errors


def require_strong_password(password: str, *, context_words: tuple[str, ...] = ()) -> None:
    """Refuse a short, overlong or obvious password; no composition rules (NIST SP 800-63B-4).

    Raises:
        PasswordWeak: extension ``errors`` with one fault for each broken rule.
    """
    length_min: int = settings.ENV.password_length_min
    broken = []
    if len(password) < length_min:
        broken.append(f"Must have at least {length_min} characters.")
    if len(password.encode("utf-8", "surrogatepass")) > constants.PASSWORD_BYTES_MAX:
        broken.append(f"Must have at most {constants.PASSWORD_BYTES_MAX} bytes.")
    folded = password.casefold()
    if len(set(folded)) == 1 or folded in {word.casefold() for word in context_words if word}:
        broken.append("Must not be one repeated character, your name or your e-mail address.")
    if broken:
        raise errors.PasswordWeak(
            broken[0],
            errors=[
                {"pointer": "#/password", "code": errors.PasswordWeak.code, "detail": detail}
                for detail in broken
            ],
        )
