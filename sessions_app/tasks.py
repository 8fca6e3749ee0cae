"""What the worker does with cookies by itself, once however many workers there are."""

from __future__ import annotations

from procrastinate.contrib.django import app

from sessions_app import services


@app.periodic(cron="47 * * * *")
@app.task(queueing_lock="purge_cookies", pass_context=False)
def purge_cookies(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Delete cookies that are over."""
    services.purge_cookies()
