"""A Bloom filter in a file: says "certainly not" or "very likely" of millions of items at no cost.

The file is a header and a bit array, and is mapped into memory, so that all processes share one
copy. Items are SHA-1 digests: the published lists of breached passwords are lists of these, and
their bits are as good as random (Kirsch and Mitzenmacher, 2006: two hashes make k).
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

FALSE_POSITIVE_RATE: Final = 0.001
_MAGIC: Final = b"SRBLOOM1"
# Magic, bits, hashes per item.
_HEADER: Final = struct.Struct(">8sQI")


class BloomFilter:
    """Membership of SHA-1 digests."""

    def __init__(self, content: bytearray | mmap.mmap) -> None:
        """Read ``content``, which begins with a header.

        Raises:
            ValueError: not a filter, or cut short.
        """
        if len(content) < _HEADER.size:
            raise ValueError("This is not a filter.")
        magic, self._bits, self._hashes = _HEADER.unpack(content[: _HEADER.size])
        if magic != _MAGIC or len(content) != _HEADER.size + _bytes_for(self._bits):
            raise ValueError("This is not a filter, or only a part of one.")
        self._content = content

    @classmethod
    def of(cls, digests: Iterable[bytes], *, count: int) -> BloomFilter:
        """Return a filter of ``count`` digests in memory."""
        head = _header_for(count)
        made = cls(bytearray(head) + bytearray(_bytes_for(_HEADER.unpack(head)[1])))
        made.add(digests)
        return made

    @classmethod
    def write(cls, path: Path, digests: Iterable[bytes], *, count: int) -> None:
        """Write a filter of ``count`` digests to ``path``, which appears only when it is whole."""
        head = _header_for(count)
        unfinished = path.with_name(f"{path.name}.part")
        with unfinished.open("w+b") as file:
            file.write(head)
            file.truncate(_HEADER.size + _bytes_for(_HEADER.unpack(head)[1]))
            file.flush()
            with mmap.mmap(file.fileno(), 0) as mapped:
                cls(mapped).add(digests)
                mapped.flush()
        unfinished.replace(path)

    @classmethod
    def open(cls, path: Path) -> BloomFilter:
        """Map the filter at ``path`` into memory.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no filter.
        """
        with path.open("rb") as file:
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def __contains__(self, digest: bytes) -> bool:
        return all(
            self._content[_HEADER.size + (position >> 3)] >> (position & 7) & 1
            for position in self._positions(digest)
        )

    def add(self, digests: Iterable[bytes]) -> None:
        """Put ``digests`` in."""
        for digest in digests:
            for position in self._positions(digest):
                self._content[_HEADER.size + (position >> 3)] |= 1 << (position & 7)

    def _positions(self, digest: bytes) -> Iterator[int]:
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16]) | 1
        return ((first + number * second) % self._bits for number in range(self._hashes))


def _header_for(count: int) -> bytes:
    """Return the header of the smallest filter with :data:`FALSE_POSITIVE_RATE`."""
    bits = max(8, math.ceil(-count * math.log(FALSE_POSITIVE_RATE) / math.log(2) ** 2))
    return _HEADER.pack(_MAGIC, bits, max(1, round(bits / max(count, 1) * math.log(2))))


def _bytes_for(bits: int) -> int:
    return (bits + 7) // 8
