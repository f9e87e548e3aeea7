"""Connections to one service over HTTPS, of which nothing is taken for granted: no proxies, no cookies, nothing unpacked."""

import ssl

import aiohttp


def session(
    context: ssl.SSLContext, *, seconds: float, connect: float | None = None, keep: bool = False
) -> aiohttp.ClientSession:
    """`seconds` for one request, all included, `connect` of them for the connection. `keep`: connections are used again."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, force_close=not keep),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
