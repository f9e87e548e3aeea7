"""Streams of an OLE compound file ([MS-CFB]), the container of Outlook's .msg: no more than is needed to read one safely.

Every chain of sectors is followed at most as far as the file is long, so a loop ends.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from diagnostics.parse.files.file_types import COMPOUND

_END = 0xFFFFFFFA
"""Sector numbers from here on mean free, end of chain and the like (section 2.1)."""

_MINI_SECTOR = 64
_NO_ENTRY = 0xFFFFFFFF
MAX_DEPTH = 10


class Malformed(ValueError):
    """No compound file, or one that contradicts itself."""


class _Entry(NamedTuple):
    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class Compound:
    """A compound file held in memory. Raises Malformed."""

    def __init__(self, data: bytes) -> None:
        if len(data) < 512 or not data.startswith(COMPOUND):
            raise Malformed("no compound file")
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise Malformed("odd sector sizes")
        self._data = data
        self._sector = 1 << shift
        directory, self._cutoff, mini_fat = struct.unpack_from("<I4xII", data, 48)
        self._fat = self._table(self._fat_sectors())
        self._entries = self._directory(self._chain(directory))
        if not self._entries or self._entries[0].kind != 5:
            raise Malformed("no root")
        self._mini_fat = self._table(self._chain(mini_fat))
        root = self._entries[0]
        self._mini = b"".join(map(self._read, self._chain(root.start)))[: root.size]

    def streams(self) -> Iterator[tuple[tuple[str, ...], bytes]]:
        """Every stream with the names of its storages before its own, in the order of the directory's trees.

        Streams that share their sectors could make a small file endless: it ends after twice the file's length.
        """
        left = 2 * len(self._data)
        waiting: list[tuple[int, tuple[str, ...]]] = [(self._entries[0].child, ())]
        seen: set[int] = set()
        while waiting and left > 0:
            number, path = waiting.pop()
            if number >= len(self._entries) or number in seen:
                continue
            seen.add(number)
            entry = self._entries[number]
            waiting += [(entry.right, path), (entry.left, path)]
            if entry.kind == 2:
                content = self._content(entry)
                left -= len(content)
                yield (*path, entry.name), content
            elif entry.kind == 1 and len(path) < MAX_DEPTH:
                waiting.append((entry.child, (*path, entry.name)))

    def roots(self) -> list[str]:
        """Names of the streams and storages that stand in no storage: they tell which program's file it is."""
        found: list[str] = []
        waiting, seen = [self._entries[0].child], set[int]()
        while waiting:
            number = waiting.pop()
            if number < len(self._entries) and number not in seen:
                seen.add(number)
                entry = self._entries[number]
                waiting += [entry.right, entry.left]
                found.append(entry.name)
        return found

    def _fat_sectors(self) -> list[int]:
        """Where the allocation table stands: 109 numbers in the header, more in sectors of their own (section 2.5)."""
        numbers = list(struct.unpack_from("<109I", self._data, 76))
        following = struct.unpack_from("<I", self._data, 68)[0]
        for _ in range(len(self._data) // self._sector):
            more = self._numbers(following) if following < _END else ()
            if not more:
                break
            numbers += more[:-1]
            following = more[-1]
        return [number for number in numbers if number < _END]

    def _table(self, sectors: list[int]) -> list[int]:
        return [number for sector in sectors[: len(self._data) // self._sector + 1] for number in self._numbers(sector)]

    def _numbers(self, sector: int) -> tuple[int, ...]:
        raw = self._read(sector)
        return struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])

    def _read(self, sector: int) -> bytes:
        start = (sector + 1) * self._sector
        return self._data[start : start + self._sector]

    def _chain(self, sector: int) -> list[int]:
        return _follow(self._fat, sector, len(self._data) // self._sector + 1)

    def _content(self, entry: _Entry) -> bytes:
        size = min(entry.size, len(self._data))
        if size >= self._cutoff:
            sectors = _follow(self._fat, entry.start, size // self._sector + 1)
            return b"".join(map(self._read, sectors))[:size]
        minis = _follow(self._mini_fat, entry.start, size // _MINI_SECTOR + 1)
        return b"".join(self._mini[n * _MINI_SECTOR : (n + 1) * _MINI_SECTOR] for n in minis)[:size]

    def _directory(self, sectors: list[int]) -> list[_Entry]:
        raw = b"".join(map(self._read, sectors))
        found = []
        for at in range(0, len(raw) - 127, 128):
            length, kind = struct.unpack_from("<HB", raw, at + 64)
            left, right, child = struct.unpack_from("<3I", raw, at + 68)
            start, size = struct.unpack_from("<II", raw, at + 116)
            name = raw[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            found.append(_Entry(name, kind, left, right, child, start, size))
        return found


def _follow(table: list[int], number: int, limit: int) -> list[int]:
    chain: list[int] = []
    while number < _END and number < len(table) and len(chain) < limit:
        chain.append(number)
        number = table[number]
    return chain
