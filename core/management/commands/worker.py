"""``manage.py worker``: do the background work until told to stop."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from procrastinate import App
from procrastinate.contrib.django import app
from prometheus_client import start_http_server
from typing_extensions import override

from core import crash_reports, logs, metrics, tracing


class Command(BaseCommand):
    help = (
        "Run jobs: mails, webhooks, expiries, purges. SIGTERM finishes the running jobs first; "
        "those of a worker that died go back to the others."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        logs.catch_what_nobody_caught()
        tracing.start()
        crash_reports.start()
        if settings.ENV.worker_metrics_port:
            start_http_server(
                settings.ENV.worker_metrics_port, settings.ENV.host, registry=metrics.counted()
            )
        with app.replace_connector(app.connector.get_worker_connector()) as worker_app:  # type: ignore[attr-defined]  # of the Django connector
            asyncio.run(_work(worker_app))


async def _work(worker_app: App) -> None:
    async with worker_app.open_async():
        await worker_app.run_worker_async(
            concurrency=settings.ENV.worker_concurrency,
            # What is done is in our own tables; failed jobs stay, for people to look at.
            delete_jobs="successful",
            shutdown_graceful_timeout=settings.ENV.worker_stop_timeout_s,
        )
