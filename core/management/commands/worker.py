"""``manage.py worker``: do the background work until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from procrastinate import App
from procrastinate.contrib.django import app
from prometheus_client import start_http_server
from typing_extensions import override

from core import crash_reports, logs, metrics, reloading, tracing

log = structlog.get_logger(__name__)

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    help = (
        "Run jobs: mails, webhooks, expiries, purges. SIGTERM finishes the running jobs first; "
        "those of a worker that died go back to the others. SIGHUP does the same and then begins "
        "anew, with the configuration of then, in the same process."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            reloading.TRIAL_OPTION,
            action="store_true",
            help="Only say whether it would start.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_config"]:
            # Django has loaded the configuration: it is whole.
            return
        logs.catch_what_nobody_caught()
        tracing.start()
        crash_reports.start()
        if settings.ENV.worker_metrics_port:
            start_http_server(
                settings.ENV.worker_metrics_port, settings.ENV.host, registry=metrics.counted()
            )
        with app.replace_connector(app.connector.get_worker_connector()) as worker_app:  # type: ignore[attr-defined]  # of the Django connector
            is_to_begin_anew = asyncio.run(_work(worker_app))
        if is_to_begin_anew:
            crash_reports.flush()
            tracing.stop()
            # Until the new beginning listens to it, it must not end it.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            reloading.begin_anew()


async def _work(worker_app: App) -> bool:
    """Work until told to stop or to begin anew; return whether it is to begin anew."""
    stop, reload_ = asyncio.create_task(_stop()), asyncio.create_task(_reload())
    async with worker_app.open_async():
        working = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=settings.ENV.worker_concurrency,
                # What is done is in our own tables; failed jobs stay, for people to look at.
                delete_jobs="successful",
                shutdown_graceful_timeout=settings.ENV.worker_stop_timeout_s,
                # It stops listening once it has begun to finish: who stops it then is not heard.
                install_signal_handlers=False,
            )
        )
        await asyncio.wait([working, stop, reload_], return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    # Whoever stops it while it finishes its jobs for a reload has the last word.
    return reload_.done() and not stop.done()


async def _stop() -> None:
    """Wait for SIGTERM or Ctrl-C; who insists with a second one ends the process at once."""
    is_told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in _STOPS:
        loop.add_signal_handler(each, is_told.set)
    await is_told.wait()
    for each in _STOPS:
        loop.remove_signal_handler(each)


async def _reload() -> None:
    """Wait for SIGHUP with a configuration that would start."""
    is_told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, is_told.set)
    while True:
        await is_told.wait()
        is_told.clear()
        faults = await asyncio.to_thread(reloading.faults_of_a_trial)
        if not faults:
            log.info("reload", about="the new configuration starts")
            return
        log.error("reload_refused", about="the running configuration stays", faults=faults)
