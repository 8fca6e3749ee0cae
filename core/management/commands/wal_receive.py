"""``manage.py wal_receive``: keep what happens between two backups."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from core.backups import bucket, wal
from core.backups.commands import told_plainly
from core.backups.faults import BackupFault
from core.backups.shelf import Shelf


class Command(BaseCommand):
    help = (
        "Receive the write-ahead log as it is written and seal each finished segment beside the "
        "backups, until SIGTERM. With it the database can be brought back to any instant."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        place, stopped = Shelf(), []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.append(True))
        with told_plainly():
            receiver = wal.start_receiver(place)
            self.stdout.write("Receiving.")
            self.stdout.flush()
            try:
                while not stopped and receiver.poll() is None:
                    if wal.seal_finished(place):
                        self._send(place)
                    time.sleep(0.2)
            finally:
                receiver.terminate()
                receiver.wait()
            wal.seal_finished(place)
            self._send(place)
        if not stopped:
            raise CommandError("pg_receivewal ended by itself; its reason is above.")

    def _send(self, place: Shelf) -> None:
        """Copy what is sealed; a store that is away is told and stops nothing, for the next goes
        along with what it did not take.
        """
        try:
            bucket.send(place)
        except BackupFault as exc:
            self.stderr.write(str(exc))
