"""A process with very many mail servers: every name has an address, and on every address there is mail in plain text.

Prints its DNS and SMTP ports as JSON and serves until its standard input ends. It keeps nothing, so that what grows
in a long run is not the lab. Standard library only.
"""

import asyncio
import json
import socket
import struct
import sys
import zlib
from typing import cast

ADDRESSES = [f"127.0.44.{number}" for number in range(1, 101)]
A = 1


class Mail(asyncio.Protocol):
    """Answers EHLO and QUIT."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"220 farm.lab.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"QUIT"):
            self.transport.write(b"221 2.0.0 Bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250-farm.lab.test\r\n250 SIZE 1000000\r\n")


class Names(asyncio.DatagramProtocol):
    """Gives each name one address, always the same one, and no other record."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], struct.unpack_from("!H", data, end - 4)[0]
        answer = b""
        if kind == A:
            address = ADDRESSES[zlib.crc32(question[:-4].lower()) % len(ADDRESSES)]
            answer = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + socket.inet_aton(address)
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
        self.transport.sendto(head + question + answer, addr)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    names, _ = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    first = await loop.create_server(Mail, ADDRESSES[0], 0, backlog=1000)
    port = first.sockets[0].getsockname()[1]
    for address in ADDRESSES[1:]:
        await loop.create_server(Mail, address, port, backlog=1000)
    print(json.dumps({"dns": names.get_extra_info("sockname")[1], "smtp": port}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
