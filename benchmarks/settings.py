"""The service as shipped, with routes of nothing beside its own to compare it with."""

from config.settings import *  # noqa: F403 - all of it

ROOT_URLCONF = "benchmarks.urls"
