"""Second factors for tests: an app whose codes we can compute."""

from __future__ import annotations

import dataclasses
import uuid

from accounts import constants, services, totp
from core import clock
from core.principals import Principal
from tests.people import Person


@dataclasses.dataclass
class App:
    """An enrolled authenticator app, its seed and the codes that came with it."""

    factor_id: uuid.UUID
    seed: str
    recovery_codes: list[str]

    def code(self, *, steps_on: int = 0) -> str:
        """Return the code of this time step, or of one ``steps_on`` from it."""
        step = int(clock.now().timestamp()) // constants.TOTP_STEP_S
        return totp.code_of_step(self.seed, step + steps_on)


def fresh(person: Person, *, level: int = 1) -> Principal:
    """Return ``person`` as they are right after a login at ``level``."""
    return dataclasses.replace(
        person.principal,
        authenticated_at=clock.now(),
        assurance_level=level,
        assurance_level_required=level,
    )


def enrolled_app(person: Person) -> App:
    """Give ``person`` an app; the code of the time step before confirms it."""
    factor, seed = services.begin_app(label="Telephone", actor=fresh(person))
    app = App(factor.pk, seed, [])
    _, app.recovery_codes = services.confirm_factor(
        factor_id=factor.pk, actor=fresh(person), code=app.code(steps_on=-1)
    )
    return app
