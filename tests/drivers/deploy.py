"""Deploy with migrations of another package: ``python tests/drivers/deploy.py APP PACKAGE``."""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.management import call_command

settings.MIGRATION_MODULES = {sys.argv[1]: sys.argv[2]}
django.setup()
call_command("safe_migrate", "--kind", "logical")
