"""``manage.py consents_verify``: do the consents still prove themselves?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from sessions_app import selectors


class Command(BaseCommand):
    help = "Compute the hash of every consent and policy again; exit 1 and name what is wrong."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for fault in selectors.consent_faults():
            faults += 1
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"The consents do not hold: {faults} faults.")
        self.stdout.write("Every consent is as it was recorded.")
