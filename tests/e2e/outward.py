"""A way out of local-slack's enclosure, for HTTP mode: there it can reach nothing but its own loopback.

`outward.py SOCKET PORT BINARY ARGUMENT…`: connections to PORT inside are passed on to a Unix socket, which stands in the file
system and so in no network namespace. Then it becomes the binary.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import stat
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PORT = 18080


def wrapper(folder: Path, outlet: Path, binary: Path) -> Path:
    """A program to be started instead of `binary`."""
    script = folder / "local-slack"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -I {__file__} {outlet} {PORT} {binary} "$@"\n', encoding="utf-8")
    script.chmod(stat.S_IRWXU)
    return script


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _relay(outlet: str, port: int) -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out_reader, out_writer = await asyncio.open_unix_connection(outlet)
        await asyncio.gather(_copy(reader, out_writer), _copy(out_reader, writer))
        out_writer.close()
        writer.close()

    async with await asyncio.start_server(connection, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if os.fork():
        os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    asyncio.run(_relay(sys.argv[1], int(sys.argv[2])))
