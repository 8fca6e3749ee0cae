"""What the worker does for the ledger by itself."""

from __future__ import annotations

from procrastinate.contrib.django import app

from transactions import services


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="seal_history", pass_context=False)
def seal_history(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Seal what was posted since the last time."""
    services.seal_history()
