#!/usr/bin/env python3
"""Command line of Strongroom: ``python manage.py help`` lists every command."""

import os
import sys


def main() -> None:
    """Hand the arguments to Django with the one settings module there is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if "procrastinate" not in sys.argv:
        # A command's output may be piped; the worker is a server, whose output is its log.
        os.environ.setdefault("LOG_STREAM", "stderr")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
