"""``manage.py restore_finish``: make a restored database safe to serve from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from core import epochs, hooks, runtime_settings
from core.principals import SYSTEM
from core.privacy.erasure import replay_erasures


class Command(BaseCommand):
    help = (
        "After a restore and before anybody is served: begin a new epoch, end every session, erase "
        "again who was erased, and hold webhooks back. backup_restore does it by itself."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        epochs.begin_if_restored()
        hooks.fire(hooks.DATABASE_RESTORED)
        erased = replay_erasures()
        runtime_settings.change_setting(
            name="webhooks_flow", text="no", actor=SYSTEM, reason="The database was restored."
        )
        self.stdout.write("Every session and API key has ended: people log in again.")
        self.stdout.write(f"{len(erased)} people were erased again.")
        self.stdout.write("Webhooks wait until `manage.py setting_set webhooks_flow yes`.")
