"""The least that a Python client can do: connect, EHLO, STARTTLS, handshake with chain and name verified, EHLO, QUIT. No DNS."""

import asyncio
import ssl


async def check(context: ssl.SSLContext, address: str, port: int, name: str) -> None:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        await _reply(reader)
        await _say(reader, writer, b"EHLO bench.test")
        await _say(reader, writer, b"STARTTLS")
        await writer.start_tls(context, server_hostname=name)
        await _say(reader, writer, b"EHLO bench.test")
        await _say(reader, writer, b"QUIT")
    finally:
        writer.transport.abort()


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line + b"\r\n")
    await _reply(reader)


async def _reply(reader: asyncio.StreamReader) -> None:
    while (await reader.readline())[3:4] == b"-":
        pass
