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
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from core import context, ids

    # What a command does and logs is found by one id, as what a request does.
    name = sys.argv[1] if len(sys.argv) > 1 else "help"
    with context.entered(context.Context(request_id=str(ids.uuid7()), command=name)):
        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as exc:
            # What is wrong is the configuration, not the code: no traceback.
            sys.exit(str(exc))


if __name__ == "__main__":
    main()
