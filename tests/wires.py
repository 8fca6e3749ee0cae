"""The line between a service and its PostgreSQL, which can be slow, silent or cut."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

CHUNK = 65_536
SOCKET = ".s.PGSQL.5432"


class Wire:
    """Listens in ``folder`` and passes on to the server whose socket is in ``server``.

    ``delay_s`` is how long each answer takes; while it is ``silence``d, connections are taken and
    nothing ever comes back.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder, self.server = folder, server
        self.delay_s = 0.0
        self._lines: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._speaks = asyncio.Event()
        self._speaks.set()
        folder.mkdir()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._door = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def url(self, direct: str) -> str:
        """Return ``direct``, a URL of the server, as it is through this line."""
        return direct.replace(f"host={self.server}", f"host={self.folder}")

    def silence(self) -> None:
        """Let no answer through any more."""
        self._loop.call_soon_threadsafe(self._speaks.clear)

    def mend(self) -> None:
        """Be a good line again, also for what is under way."""
        self.delay_s = 0.0
        self._loop.call_soon_threadsafe(self._speaks.set)

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        for line in list(self._lines):
            self._loop.call_soon_threadsafe(line.close)

    def close(self) -> None:
        """End everything and leave nothing open."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._take, self.folder / SOCKET)

    async def _end(self) -> None:
        self._door.close()
        lines = asyncio.all_tasks() - {asyncio.current_task()}
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        # A handler that ends cancelled would be reported as a fault (Python 3.11).
        with contextlib.suppress(OSError, asyncio.CancelledError):
            async with _closing(writer):
                there, back = await asyncio.open_unix_connection(self.server / SOCKET)
                async with _closing(back):
                    asking = asyncio.create_task(_pass_on(reader, back))
                    try:
                        await self._answer(there, writer)
                    finally:
                        asking.cancel()
        self._lines.discard(writer)

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answer := await there.read(CHUNK):
            await asyncio.sleep(self.delay_s)
            await self._speaks.wait()
            writer.write(answer)
            await writer.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while asked := await reader.read(CHUNK):
            writer.write(asked)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
