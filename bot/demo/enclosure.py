"""Runs a server that listens on all interfaces in a network namespace of its own, whose loopback nobody else reaches.

`python enclosure.py FD PORT COMMAND…`: FD is a TCP socket that already listens outside. A socket stays in the namespace
that it was made in, so this process, inside, accepts on it from outside, and passes the bytes on to PORT inside.
Standard output tells the parent one line, "ready" or why not; when standard input ends (the parent is gone), so does
everything. Needs a Linux that allows user namespaces, or root. Standard library only: it runs as a file.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
PR_SET_PDEATHSIG = 1
START_SECONDS = 10.0

libc = ctypes.CDLL(None, use_errno=True)


def enter() -> None:
    """Move this process into a new network namespace and bring loopback up. Raises OSError where that is forbidden."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    elif libc.unshare(CLONE_NEWNET) != 0:
        # a root without user namespaces got here; anybody else may not
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _die_with_parent() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def _until_up(port: int, server: asyncio.subprocess.Process) -> None:
    """Wait until the server takes connections. Raises OSError when it ends or takes too long."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            with contextlib.suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            if server.returncode is not None:
                raise ConnectionError(f"the server ended with code {server.returncode}")
            await asyncio.sleep(0.02)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """One connection from outside, until both sides have ended."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            inner_writer.close()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _until_end_of_input() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


async def main(descriptor: int, port: int, command: list[str]) -> None:
    """Start the server, relay, and end both when standard input ends or the server does."""
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=_die_with_parent
    )
    try:
        await _until_up(port, server)
        relay = await asyncio.start_server(lambda r, w: _relay(r, w, port), sock=listener)
        print("ready", flush=True)
        ends = [asyncio.ensure_future(_until_end_of_input()), asyncio.ensure_future(server.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        relay.close()
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


if __name__ == "__main__":
    try:
        enter()
    except OSError as error:
        print(f"this system allows no network namespace ({error.strerror})", flush=True)
        sys.exit(1)
    try:
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
    except (OSError, TimeoutError) as error:
        print(f"{Path(sys.argv[3]).name} did not start ({error or 'no answer'})", flush=True)
        sys.exit(1)
