"""What the worker does by itself for sessions and cookies, once however many workers."""

from __future__ import annotations

from procrastinate.contrib.django import app

from sessions_app import services


@app.periodic(cron="47 * * * *")
@app.task(queueing_lock="purge_cookies", pass_context=False)
def purge_cookies(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Delete cookies that are over."""
    services.purge_cookies()


@app.periodic(cron="47 3 * * *")
@app.task(queueing_lock="prune_sessions", pass_context=False)
def prune_sessions(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Forget sessions that ended long ago."""
    services.prune_sessions()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="count_sessions_and_cookies", pass_context=False)
def count_sessions_and_cookies(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Count live sessions and kept cookies for whoever watches."""
    services.note_counts()
