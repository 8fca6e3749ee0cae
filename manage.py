#!/usr/bin/env python3
"""Command line of Strongroom: ``python manage.py help`` lists every command."""

import os
import sys


def main() -> None:
    """Hand the arguments to Django with the one settings module there is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
