"""``manage.py worker``: do the background work until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any, Final, NoReturn

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from procrastinate.exceptions import ConnectorException
from prometheus_client import start_http_server
from typing_extensions import override

from core import clock, crash_reports, jobs, logs, metrics, reloading, tracing

log = structlog.get_logger(__name__)

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
PAUSE_S_MIN: Final = 1
PAUSE_S_MAX: Final = 32
# How long it waits for a connection, several times over, before it has lost the database.
CONNECTION_TIMEOUT_S: Final = 10
# How long a signal that has come takes through the loop at most.
HEARD_WITHIN_S: Final = 0.05


class Command(BaseCommand):
    help = (
        "Run jobs: mails, webhooks, expiries, purges. SIGTERM finishes the running jobs first; "
        "those that take longer than WORKER_STOP_TIMEOUT_S, and those of a worker that died, go "
        "back to the others. SIGHUP does the same and then begins "
        "anew, with the configuration of then, in the same process."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            reloading.TRIAL_OPTION,
            action="store_true",
            help="Only say whether it would start.",
        )
        parser.add_argument(
            "--queue",
            action="append",
            help="Take jobs of this queue alone: webhooks, which wait for others, or default. May "
            "be said twice; without it a worker takes all.",
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
        connector = PsycopgConnector(kwargs=connector_params(), timeout=CONNECTION_TIMEOUT_S)
        with app.replace_connector(connector) as worker_app:
            is_to_begin_anew = asyncio.run(_work(worker_app, options["queue"]))
        if is_to_begin_anew:
            _leave(is_to_begin_anew=True)


async def _work(worker_app: App, queues: list[str] | None = None) -> bool:
    """Work until told to stop or to begin anew; return whether it is to begin anew.

    Who loses the database tries again, soon at first and then less and less often.

    Raises:
        ConnectorException: there was none to begin with.
    """
    stop, reload_ = asyncio.create_task(_stop()), asyncio.create_task(_reload())
    has_begun, pause_s = asyncio.Event(), PAUSE_S_MIN
    while True:
        began_ms = clock.monotonic_ms()
        working = asyncio.create_task(_take_jobs(worker_app, queues, has_begun))
        await asyncio.wait([working, stop, reload_], return_when=asyncio.FIRST_COMPLETED)
        if stop.done() or reload_.done():
            working.cancel()
            await asyncio.wait([working], timeout=settings.ENV.worker_stop_timeout_s)
            if not working.done():
                await _give_back(worker_app)
                _leave(is_to_begin_anew=await _is_to_begin_anew(stop, reload_))
        try:
            await working
        except asyncio.CancelledError:
            return await _is_to_begin_anew(stop, reload_)
        except ConnectorException:
            if not has_begun.is_set():
                raise
        has_lasted = clock.monotonic_ms() - began_ms > PAUSE_S_MAX * 1_000
        pause_s = PAUSE_S_MIN if has_lasted else min(2 * pause_s, PAUSE_S_MAX)
        log.error("worker_lost_the_database", retry_in_s=pause_s)
        await asyncio.wait([stop, reload_], timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)


async def _take_jobs(worker_app: App, queues: list[str] | None, has_begun: asyncio.Event) -> None:
    """Run jobs; once cancelled, finish them. Returns when the database is lost."""
    async with worker_app.open_async():
        has_begun.set()
        await worker_app.run_worker_async(
            queues=queues,  # type: ignore[arg-type]  # None is all of them
            concurrency=settings.ENV.worker_concurrency,
            # What is done is in our own tables; failed jobs stay, for people to look at.
            delete_jobs="successful",
            # Where it lost the database; jobs in threads are given back below.
            shutdown_graceful_timeout=settings.ENV.worker_stop_timeout_s,
            # It stops listening once it has begun to finish: who stops it then is not heard.
            install_signal_handlers=False,
        )


async def _is_to_begin_anew(stop: asyncio.Task[None], reload_: asyncio.Task[None]) -> bool:
    """Return whether to begin anew: whoever stops it while it finishes has the last word.

    Whoever stops it from here on ends it at once: it has nothing in hand any more.
    """
    for each in _STOPS:
        # The loop still tells of what came before this.
        signal.signal(each, signal.SIG_DFL)
    await asyncio.wait([stop], timeout=HEARD_WITHIN_S)
    return reload_.done() and not stop.done()


async def _give_back(worker_app: App) -> None:
    """Return to the queue what took too long to finish: it begins again, at another worker.

    What cannot be returned now comes back like the jobs of a worker that died.
    """
    for job in jobs.in_hand():
        with contextlib.suppress(ConnectorException):
            await worker_app.job_manager.retry_job(job)
            log.warning("job_given_back", job=job.task_name, job_id=job.id)


def _leave(*, is_to_begin_anew: bool) -> NoReturn:
    """End this process now, also in the midst of a job: no thread can be told to stop."""
    crash_reports.flush()
    tracing.stop()
    if is_to_begin_anew:
        reloading.begin_anew()
    os._exit(0)


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
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, is_told.set)
    while True:
        await is_told.wait()
        is_told.clear()
        faults = await asyncio.to_thread(reloading.faults_of_a_trial)
        if not faults:
            log.info("reload", about="the new configuration starts")
            # Until the new beginning listens to it, it must not end it.
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            return
        log.error("reload_refused", about="the running configuration stays", faults=faults)
