"""SIGHUP: begin anew with the configuration of now, in the same process, dropping no request.

gunicorn's own reload keeps the application that was loaded before the fork, and with it every
value that was read then. So the master replaces itself: a trial in another process says whether the
new configuration would start; then it executes itself anew under the same process id, takes its
listening sockets along, and tells its former workers to finish what they have.

What cannot change like this is the address it listens on, and variables of the environment itself,
which nobody can change in a running process: both need a restart.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any, Final

from config import worker
from core import reloading

FORMER_WORKERS: Final = "STRONGROOM_FORMER_WORKERS"
# Until the new master listens to signals, these must not end it.
_HARMLESS: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# Whoever tells it to stop meanwhile is heard by the new master: what is blocked waits, also
# while a process executes itself.
_STOPS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class FormerWorker:
    """A worker of the master that was: finishes, is watched and reaped like any other.

    It is what gunicorn looks at of a worker. Its sign of life is the moment of the reload: it has
    as long to finish as any worker may be silent.
    """

    age = 0
    aborted = False

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.tmp = self
        self._since = time.monotonic()

    def last_update(self) -> float:
        """Return when it last gave a sign of life."""
        return self._since

    def close(self) -> None:
        """Let go of a file that it does not have."""


def begin_anew(server: Any) -> None:
    """Begin anew, unless the configuration of now would not start; then say so and go on."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    faults = reloading.faults_of_a_trial()
    if faults:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        server.log.error("reload_refused: the running configuration stays. %s", faults)
        return
    server.log.info("reload: the new configuration starts")
    worker.replace_all()
    for each in _HARMLESS:
        signal.signal(each, signal.SIG_IGN)
    os.environ[FORMER_WORKERS] = ",".join(map(str, server.WORKERS))
    os.environ["GUNICORN_PID"] = str(os.getpid())
    os.environ["GUNICORN_FD"] = ",".join(str(each.fileno()) for each in server.LISTENERS)
    os.chdir(server.START_CTX["cwd"])
    reloading.begin_anew()


def take_over(server: Any) -> None:
    """Start workers beside those of the master that was; gunicorn ends the older ones."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    former = os.environ.pop(FORMER_WORKERS, "")
    if not former:
        return
    for _ in range(server.num_workers):
        server.spawn_worker()
    for pid in map(int, former.split(",")):
        server.WORKERS[pid] = FormerWorker(pid)
