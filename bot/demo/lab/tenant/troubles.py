"""What a service of Microsoft's, or somebody between, can do instead of answering rightly."""

import asyncio
import functools
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

MANY = 100 * 1024 * 1024
DEPTH = 200_000
DRIP_SECONDS = 0.1
ELSEWHERE = "https://elsewhere.example/adminapi/beta/x/InvokeCommand"
FOR_EVER = 3600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the next `times` requests meet (None: all). on: a cmdlet, "token", "openid-configuration", or "*" for every cmdlet.

    retry_after: that header's value. seconds: how long "late" waits.
    """

    on: str
    name: str
    times: int | None = 1
    retry_after: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request in trouble. `answer` does what was asked, and gives the right answer."""

    request: web.Request
    trouble: Trouble
    answer: Callable[[], web.Response]


Behaviour = Callable[[Exchange], Awaitable[web.StreamResponse]]


async def _status(exchange: Exchange, *, status: int, body: bytes = b"", content_type: str = "application/json") -> web.Response:
    after = exchange.trouble.retry_after
    return web.Response(status=status, body=body, content_type=content_type, headers={"Retry-After": after} if after else None)


def _json(status: int, document: object) -> Behaviour:
    return functools.partial(_status, status=status, body=json.dumps(document).encode())


def refusal(code: str, message: str, details: str = "") -> dict[str, object]:
    """The admin API's error: the reason stands in the details, the message says little."""
    return {"error": {"code": code, "message": message, "details": [{"message": details}] if details else []}}


def not_allowed() -> web.Response:
    """What an app gets for a cmdlet that it may not run: NUL bytes, declared gzip."""
    return web.Response(status=403, body=bytes(96), headers={"Content-Encoding": "gzip"}, content_type="application/json")


async def forbidden(_exchange: Exchange) -> web.Response:
    return not_allowed()


async def ineffective(_exchange: Exchange) -> web.Response:
    return web.Response(status=200)


async def errors_after(exchange: Exchange) -> web.Response:
    exchange.answer()
    return web.json_response({"value": [], "@adminapi.errors": ["An error occurred after the change."]})


async def silent(_exchange: Exchange) -> web.Response:
    await asyncio.sleep(FOR_EVER)
    return web.Response(status=504)


async def silent_after(exchange: Exchange) -> web.Response:
    exchange.answer()
    return await silent(exchange)


async def late(exchange: Exchange) -> web.Response:
    await asyncio.sleep(exchange.trouble.seconds)
    return exchange.answer()


async def cut(exchange: Exchange) -> web.Response:
    if exchange.request.transport:
        exchange.request.transport.abort()
    return web.Response()


async def cut_after(exchange: Exchange) -> web.Response:
    exchange.answer()
    return await cut(exchange)


async def cut_body(exchange: Exchange) -> web.StreamResponse:
    """What was asked is done; half of the answer arrives."""
    whole = _body(exchange.answer())
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(whole) + 100)})
    await response.prepare(exchange.request)
    await response.write(whole[: len(whole) // 2])
    await cut(exchange)
    return response


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


async def half_json(exchange: Exchange) -> web.Response:
    return await _status(exchange, status=200, body=b'{"value": [{"Name": "Contoso on-pr')


async def large(exchange: Exchange) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(exchange.request)
    await response.write(b'{"value": [{"Name": "')
    for _ in range(MANY // 65536):
        await response.write(b"x" * 65536)
        # a client that has gone is noticed between two steps of the loop
        await asyncio.sleep(0)
    await response.write_eof(b'"}]}')
    return response


@functools.cache
def _bomb() -> bytes:
    """After a full flush the same bytes can follow any number of times: a big bomb is made at once."""
    packer = zlib.compressobj(9, wbits=31)
    first, again = (packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (MANY >> 20)


async def bomb(_exchange: Exchange) -> web.Response:
    return web.Response(body=_bomb(), headers={"Content-Encoding": "gzip"}, content_type="application/json")


async def zipped(exchange: Exchange) -> web.Response:
    """The right answer, compressed: no misbehaviour, but not what every service does."""
    return web.Response(
        body=gzip.compress(_body(exchange.answer())), headers={"Content-Encoding": "gzip"}, content_type="application/json"
    )


def _linked(link: Callable[[web.Request], str]) -> Behaviour:
    async def behaviour(exchange: Exchange) -> web.Response:
        document = json.loads(exchange.answer().text or "{}")
        return web.json_response({**document, "@odata.nextLink": link(exchange.request)})

    return behaviour


def _another(request: web.Request) -> str:
    """One that was not asked for yet."""
    return str(request.url.update_query({"$skiptoken": int(request.query.get("$skiptoken", 0)) + 1}))


async def redirect(_exchange: Exchange) -> web.Response:
    return web.Response(status=307, headers={"Location": ELSEWHERE})


async def drip(exchange: Exchange) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(exchange.request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(DRIP_SECONDS)


TROUBLES: Mapping[str, Behaviour] = {
    "busy": _json(429, refusal("TooManyRequests", "Too many requests.")),
    "unavailable": _json(503, refusal("ServiceUnavailable", "Service unavailable.")),
    "failing": _json(500, refusal("InternalServerError", "An internal server error occurred.")),
    "expired": functools.partial(_status, status=401),
    "forbidden": forbidden,
    "not-found": _json(404, refusal("NotFound", "Error executing cmdlet.", "The object couldn't be found on 'LAB01'.")),
    "refused": _json(400, refusal("BadRequest", "Error executing cmdlet.", "The value isn't valid: \x1b[31m<!channel>.")),
    "errors": _json(200, {"value": [], "@adminapi.errors": ["The change was not taken."]}),
    "errors-after": errors_after,
    "ineffective": ineffective,
    "silent": silent,
    "silent-after": silent_after,
    "late": late,
    "cut": cut,
    "cut-after": cut_after,
    "cut-body": cut_body,
    "html": functools.partial(_status, status=200, body=b"<html><h1>Sign in</h1></html>", content_type="text/html"),
    "half-json": half_json,
    "no-rows": _json(200, {"value": "none"}),
    "list": _json(200, [1, 2]),
    "deep": functools.partial(_status, status=200, body=b'{"value": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"),
    "large": large,
    "bomb": bomb,
    "zipped": zipped,
    "link-elsewhere": _linked(lambda _request: ELSEWHERE),
    "link-back": _linked(lambda request: str(request.url)),
    "links-for-ever": _linked(_another),
    "redirect": redirect,
    "drip": drip,
}
"""By name. "…-after" does what was asked first; the others, but for "late", "zipped", "cut-body" and links, do nothing."""
