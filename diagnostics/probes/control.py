"""The control host: a mail server that is known to answer. What fails there too is this machine's fault, not the customer's."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from diagnostics.findings import Facts
from diagnostics.net import names
from diagnostics.net.names import Address
from diagnostics.probes import dns, smtp, tcp
from diagnostics.probes.conversation import Conversation
from diagnostics.probes.instruments import Instruments
from diagnostics.single_flight import SingleFlight
from diagnostics.target import Destination

KEPT_SECONDS = 300.0
FAILING_SECONDS = 10.0
"""Contract 4: asked once a run, kept 5 minutes; 10 seconds where it fails."""

_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:[+-]\d{4}|GMT|UTC)")

State = Literal["answers", "dns", "tcp", "intercepted"]


@dataclass(frozen=True, slots=True)
class Control:
    """What the control host showed; `facts` tell it by their `how`.

    `clock_off`: world's time minus this machine's, where its banner tells a time. `family`: the IP version that it was asked
    over, 0 where it was not reached at all.
    """

    state: State
    facts: Facts
    clock_off: timedelta | None = None
    family: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """One endpoint of each IP version; `fault` where there is none."""

    endpoints: Mapping[int, Address]
    fault: Control | None = None


class ControlHost:
    """Asked when first needed, then remembered: over each IP version on its own."""

    def __init__(self, name: str, tools: Instruments) -> None:
        self.name, self._tools = name, tools
        self._found = SingleFlight[_Found](lambda found: FAILING_SECONDS if found.fault else KEPT_SECONDS)
        self._over = SingleFlight[Control](lambda shown: KEPT_SECONDS if shown.state == "answers" else FAILING_SECONDS)

    async def ask(self, *, anew: bool = False) -> Control:
        """Whether it answers over any IP version: a machine without IPv6 is no proof against port 25."""
        found = await self._addresses(anew=anew)
        if found.fault:
            return found.fault
        asked = (self._ask_over(version, anew=anew) for version in (6, 4) if version in found.endpoints)
        answers = await asyncio.gather(*asked)
        return next((a for a in answers if a.state == "answers"), answers[-1])

    async def ask_over(self, version: int) -> Control | None:
        """Whether it answers over that IP version; None where it has no such address, which proves nothing."""
        found = await self._addresses()
        return await self._ask_over(version) if version in found.endpoints else None

    async def _addresses(self, *, anew: bool = False) -> _Found:
        return await self._found.get("addresses", self._resolve, anew=anew)

    async def _ask_over(self, version: int, *, anew: bool = False) -> Control:
        return await self._over.get(version, lambda: self._twice(version), anew=anew)

    async def _twice(self, version: int) -> Control:
        """One lost connection proves nothing, so it is asked once more."""
        address = (await self._addresses()).endpoints.get(version)
        if address is None:
            return Control("dns", {"host": self.name, "how": "not-resolved"})
        first = await _one(self.name, address, self._tools)
        return first if first.state != "tcp" else await _one(self.name, address, self._tools)

    async def _resolve(self) -> _Found:
        tools = self._tools
        destination = Destination(self.name, "host", names.address(self.name))
        addresses = [e.address for e in (await dns.resolve(destination, tools.resolver.ask)).endpoints if e.address is not None]
        allowed = [a for a in addresses if not tools.guard.refuses(a, tools.limits.smtp_port)]
        if allowed:
            return _Found({a.version: a for a in reversed(allowed)})
        how = {"how": "refused-address", "address": str(addresses[0])} if addresses else {"how": "not-resolved"}
        return _Found({}, Control("dns", {"host": self.name, **how}))


async def _one(name: str, address: Address, tools: Instruments) -> Control:
    limits = tools.limits
    done = await tcp.connect(address, limits.smtp_port, limits.timeout)
    if done.socket is None:
        return Control("tcp", {"host": name, "address": str(address), "error": done.error}, family=address.version)
    _, talk = await asyncio.get_running_loop().create_connection(Conversation, sock=done.socket)
    try:
        return replace(await _talk(name, talk, tools), family=address.version)
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
