"""What comes from outside is read in pieces, and not much further than it is wanted: a device or a server may have no end."""

from pathlib import Path
from typing import Protocol

PIECE = 64 * 1024


class Stream(Protocol):
    async def read(self, size: int) -> bytes: ...


def of_file(path: Path, most: int) -> bytes:
    """All of a file; of one with more than `most` bytes more than `most`, and not all. Raises OSError."""
    raw = bytearray()
    with path.open("rb") as file:
        while len(raw) <= most and (piece := file.read(PIECE)):
            raw += piece
    return bytes(raw)


async def of_stream(stream: Stream, most: int) -> bytes:
    """As `of_file`. Raises what the stream raises."""
    raw = bytearray()
    while len(raw) <= most and (piece := await stream.read(PIECE)):
        raw += piece
    return bytes(raw)
