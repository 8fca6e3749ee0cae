"""How gunicorn serves Strongroom."""

import gc
import importlib
import logging
import os
import shutil
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before anything imports prometheus_client: it decides at import where counters live.
_metrics_dir = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp()))

from django.core.exceptions import ImproperlyConfigured  # noqa: E402 - see above
from prometheus_client import multiprocess  # noqa: E402 - see above

from config import hangup  # noqa: E402 - see above
from config import worker as web_worker  # noqa: E402 - see above
from config.env import load_process_environment  # noqa: E402 - see above
from core import logs  # noqa: E402 - see above

try:
    _env = load_process_environment()
except ImproperlyConfigured as exc:
    # gunicorn would print a traceback; what is wrong is the configuration, not the code.
    sys.exit(str(exc))

bind = f"{_env.host}:{_env.port}"
worker_class = "config.worker.ProblemWorker"
workers = _env.web_workers
threads = _env.web_threads
timeout = _env.worker_timeout_s
# What came in before the end has its whole time.
graceful_timeout = _env.stop_delay_s + -(-_env.request_deadline_ms // 1_000)
keepalive = 75
preload_app = True
backlog = 2048
limit_request_line = 4_094
limit_request_fields = 100
limit_request_field_size = 8_190
max_requests = 50_000
max_requests_jitter = 5_000
accesslog = None
logconfig_dict = logs.as_dict_config(
    level=_env.log_level, stream=_env.log_stream, file=_env.log_file
)
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - memory, not disk


logs.catch_what_nobody_caught()


def on_starting(server: Any) -> None:
    """Let SIGHUP mean a new beginning; see :mod:`config.hangup`."""
    server.reload = lambda: hangup.begin_anew(server)


def when_ready(server: Any) -> None:
    """Say where we listen; whoever started us waits for this line."""
    for listener in server.LISTENERS:
        # Accepted sockets inherit it: who sends nothing for so long does not hold a thread.
        listener.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _env.client_timeout_s, 0)
        )
    server.log.info("Listening on %s", bind)
    hangup.take_over(server)


def pre_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Have everything loaded once, and never looked through for garbage again.

    A full collection would stop a worker for some hundred milliseconds, in the middle of a bulk
    that makes many objects, and would copy the memory it shares with its siblings.
    """
    importlib.import_module("config.urls")
    gc.collect()
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Let the worker find what it is told before it listens to signals itself."""
    worker.told_early = server.SIG_QUEUE


def post_worker_init(worker: Any) -> None:
    """Begin to tell what this process does: its counts, its traces, its crashes."""
    from core import crash_reports, tracing  # noqa: PLC0415 - Django is set up only now
    from core.operations import traffic  # noqa: PLC0415 - as above

    traffic.start()
    tracing.start()
    crash_reports.start()
    worker.heed_what_came_early()


def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Write down what was counted; take leave of PostgreSQL and Valkey, so that they know."""
    from core import crash_reports, tracing  # noqa: PLC0415 - as above
    from core.operations import traffic  # noqa: PLC0415 - as above

    traffic.stop()
    crash_reports.flush()
    tracing.stop()
    web_worker.take_leave()
    if worker.booted and not worker.alive:
        # Python would take seconds to take its modules apart, each a copy of the master's.
        logging.shutdown()
        os._exit(0)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Fold the counters of a worker that ended into those of the living."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped


def on_exit(server: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Leave no counters behind."""
    shutil.rmtree(_metrics_dir, ignore_errors=True)
