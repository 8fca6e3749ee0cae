"""What the worker does with money by itself, once however many workers there are."""

from __future__ import annotations

from procrastinate.contrib.django import app

from core import modes
from transactions import services


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="seal_history", pass_context=False)
def seal_history(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Seal what was posted since the last time."""
    services.seal_history()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="post_due_transactions", pass_context=False)
def post_due_transactions(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Post the scheduled transactions whose time has come."""
    if modes.money_may_move():
        services.post_due()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="expire_holds", pass_context=False)
def expire_holds(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Give back what expired holds still set aside."""
    if modes.money_may_move():
        services.expire_holds()


@app.periodic(cron="37 * * * *")
@app.task(queueing_lock="verify_ledger", pass_context=False)
def verify_ledger(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Look whether the ledger holds, and say so to whoever watches."""
    services.note_faults()


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="refresh_snapshots", pass_context=False)
def refresh_snapshots(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Bring the daily balances up to date."""
    services.refresh_snapshots()
