"""Microsoft's endpoints web service, asked now and then: https, no redirects, little time, little memory.

Rules of the service: a request id of one's own, the version at most once an hour, and after a 429 an hour of silence.
"""

import asyncio
import json
import logging
import ssl
import uuid
from collections.abc import Callable

import aiohttp

from diagnostics.endpoints import EndpointsFault, Ranges, select
from diagnostics.net import https
from diagnostics.net.bounded import of_stream

log = logging.getLogger("mailflow")

SECONDS = 3.0
"""For one request, all included."""

EVERY = 3600.0
MAX_BODY = 2 << 20
PLAIN = {"Accept-Encoding": "identity"}


async def keep_fresh(url: str, known: Ranges, take: Callable[[Ranges], None], *, every: float = EVERY) -> None:
    """Asks at once and then every `every` seconds, until it is cancelled; a newer list goes to `take`.

    A service that cannot be reached, or says what cannot be right, leaves what is known as it is.
    """
    request_id = str(uuid.uuid4())
    async with https.session(ssl.create_default_context(), seconds=SECONDS) as session:
        while True:
            try:
                newer = await refreshed(session, url, known, request_id)
                if newer is not None:
                    known = newer
                    take(newer)
                    log.info("Microsoft's list of addresses: version %s", newer.version)
            except (EndpointsFault, aiohttp.ClientError, OSError, TimeoutError) as fault:
                log.info("Microsoft's list of addresses stays at version %s: %s", known.version, type(fault).__name__)
            await asyncio.sleep(every)


async def refreshed(session: aiohttp.ClientSession, url: str, known: Ranges, request_id: str) -> Ranges | None:
    """The list, if its version is newer than the known one. Raises EndpointsFault, and what aiohttp raises."""
    told = await _get(session, f"{url}/version/Worldwide", {"clientrequestid": request_id})
    version = told.get("latest") if isinstance(told, dict) else None
    if not isinstance(version, str):
        raise EndpointsFault("no version")
    if version <= known.version:
        return None
    asked = {"ServiceAreas": "Exchange", "clientrequestid": request_id}
    return select(await _get(session, f"{url}/endpoints/Worldwide", asked), version)


async def _get(session: aiohttp.ClientSession, url: str, query: dict[str, str]) -> object:
    async with session.get(url, params=query, headers=PLAIN, allow_redirects=False) as response:
        if response.status != 200:
            raise EndpointsFault(f"status {response.status}")
        body = await of_stream(response.content, MAX_BODY)
    if len(body) > MAX_BODY:
        raise EndpointsFault("too large")
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise EndpointsFault("no JSON") from None
    return document
