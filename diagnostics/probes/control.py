"""The control host: a mail server that is known to answer. What fails there too is this machine's fault, not the customer's."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from diagnostics import names
from diagnostics.findings import Facts
from diagnostics.probes import dns, smtp, tcp
from diagnostics.probes.conversation import Conversation
from diagnostics.probes.instruments import Instruments
from diagnostics.target import Destination

KEPT_SECONDS = 300.0
"""Contract 4: asked once a run, kept 5 minutes."""

_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:[+-]\d{4}|GMT|UTC)")

State = Literal["answers", "dns", "tcp", "intercepted"]


@dataclass(frozen=True, slots=True)
class Control:
    """What the control host showed; `facts` tell it by their `how`.

    `clock_off`: world's time minus this machine's, where its banner tells a time.
    """

    state: State
    facts: Facts
    clock_off: timedelta | None = None


class ControlHost:
    """Asked when first needed, then remembered."""

    def __init__(self, name: str, tools: Instruments) -> None:
        self.name, self._tools = name, tools
        self._asked: asyncio.Task[Control] | None = None
        self._until = 0.0

    async def ask(self) -> Control:
        loop = asyncio.get_running_loop()
        if self._asked is None or loop.time() > self._until:
            self._until = loop.time() + KEPT_SECONDS
            self._asked = asyncio.create_task(_ask(self.name, self._tools))
        return await asyncio.shield(self._asked)


async def _ask(name: str, tools: Instruments) -> Control:
    found = (await dns.resolve(Destination(name, "host", names.address(name)), tools.resolver.ask)).endpoints
    endpoints = [e for e in found if e.address is not None and not tools.guard.refuses(e.address, tools.limits.smtp_port)]
    if not endpoints:
        refused = next((e for e in found if e.address is not None), None)
        how = {"how": "refused-address", "address": str(refused.address)} if refused else {"how": "not-resolved"}
        return Control("dns", {"host": name, **how})
    # a machine without IPv6 is no proof against port 25: the other family is asked too
    answers = [await _one(name, endpoint, tools) for endpoint in _one_of_each_family(endpoints)]
    return next((a for a in answers if a.state == "answers"), answers[-1])


def _one_of_each_family(endpoints: list[dns.Endpoint]) -> list[dns.Endpoint]:
    first = {e.address.version: e for e in reversed(endpoints) if e.address}
    return [first[version] for version in (6, 4) if version in first]


async def _one(name: str, endpoint: dns.Endpoint, tools: Instruments) -> Control:
    assert endpoint.address is not None  # noqa: S101
    limits = tools.limits
    done = await tcp.connect(endpoint.address, limits.smtp_port, limits.timeout)
    if done.socket is None:
        return Control("tcp", {"host": name, "address": str(endpoint.address), "error": done.error})
    _, talk = await asyncio.get_running_loop().create_connection(Conversation, sock=done.socket)
    try:
        return await _talk(name, talk, tools)
    finally:
        talk.abort()


async def _talk(name: str, talk: Conversation, tools: Instruments) -> Control:
    limits = tools.limits
    hello = (await smtp.banner(talk, limits.timeout)).said
    if hello.outcome != "reply":
        return Control("intercepted", {"how": "mute", "host": name})
    facts = {"host": name, "text": hello.text}
    if not is_its_own(name, hello.text):
        return Control("intercepted", facts | {"how": "somebody-else"})
    clock = _clock(hello.text, tools.now())
    if hello.code != 220:
        return Control("answers", facts, clock)
    greeting = await smtp.ehlo(talk, limits.ehlo_name, limits.timeout)
    if not smtp.offers_starttls(greeting):
        return Control("intercepted", facts | {"how": "stripped"})
    await talk.say("QUIT", timeout=2.0)
    return Control("answers", facts, clock)


def is_its_own(name: str, banner: str) -> bool:
    """Whether a banner names a host of the control host's own domain (its last two labels)."""
    domain = ".".join(name.lower().rstrip(".").split(".")[-2:])
    return any(("." + word.strip(".,;")).endswith("." + domain) for word in banner.lower().split())


def _clock(banner: str, now: datetime) -> timedelta | None:
    found = _DATE.search(banner)
    if not found:
        return None
    try:
        return parsedate_to_datetime(found[0]).astimezone(UTC) - now
    except ValueError:
        return None
