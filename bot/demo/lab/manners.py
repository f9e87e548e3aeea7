"""A well-behaved mail server, each step of which can be replaced, and the steps that replace them."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.demo.lab.talk import Gone, Talk

Behaviour = Callable[[Talk], Awaitable[None]]
Step = str | Behaviour
"""A reply ("250 ok", further lines behind newlines), or what is done instead of replying."""

MAX_COMMANDS = 500
MANY = 16 * 1024 * 1024
"""Where endless things end."""

DRIP_SECONDS = 0.1


async def serve(
    talk: Talk,
    *,
    banner: Step = "",
    ehlo: Step = "",
    helo: Step = "",
    starttls: Step = "",
    ehlo_after_tls: Step = "",
    quit_: Step = "221 2.0.0 Bye",
) -> None:
    """A well-behaved server, as far as its steps are not replaced."""
    encrypted = False
    await take(talk, banner or talk.host.banner or f"220 {talk.name} ESMTP ready")
    for _ in range(MAX_COMMANDS):
        verb = (await talk.hear()).partition(" ")[0].upper()
        if verb == "EHLO":
            await take(talk, (encrypted and ehlo_after_tls) or ehlo or extensions(talk, encrypted=encrypted))
        elif verb == "HELO":
            await take(talk, helo or f"250 {talk.name}")
        elif verb == "STARTTLS" and not encrypted and "STARTTLS" in talk.host.extensions:
            await take(talk, starttls or accept_tls())
            encrypted = talk.encrypted
        elif verb == "QUIT":
            await take(talk, quit_)
            return await talk.close()
        else:
            await talk.reply("250 2.0.0 Ok" if verb in ("NOOP", "RSET") else "502 5.5.2 Command not recognized")
    return None


def extensions(talk: Talk, *, encrypted: bool = False) -> str:
    """The reply to EHLO that the host's lists make."""
    listed = talk.host.extensions
    if encrypted:
        after = talk.host.extensions_after_tls
        listed = after if after is not None else tuple(word for word in listed if word != "STARTTLS")
    return "\n".join((f"250 {talk.name}", *listed))


async def take(talk: Talk, step: Step) -> None:
    if isinstance(step, str):
        await talk.reply(step)
    else:
        await step(talk)


async def end(talk: Talk) -> None:
    await talk.close()
    raise Gone


async def reset(talk: Talk) -> None:
    talk.reset()
    raise Gone


async def stay_silent(talk: Talk) -> None:
    while True:
        await talk.receive_raw()


async def drip(talk: Talk, data: bytes) -> None:
    for byte in data:
        await talk.send(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)


async def pour(talk: Talk, data: bytes) -> None:
    for _ in range(MANY // len(data)):
        await talk.send(data)


def then_close(text: str) -> Behaviour:
    """This reply, and the end."""

    async def step(talk: Talk) -> None:
        await talk.reply(text)
        await end(talk)

    return step


def accept_tls(variant: str = "", *, behind: bytes = b"") -> Behaviour:
    """The 220 to STARTTLS, perhaps with bytes behind it, and the handshake in a variant of the host's context."""

    async def step(talk: Talk) -> None:
        await asyncio.sleep(talk.delay)
        await talk.send(b"220 2.0.0 Ready to start TLS\r\n" + behind)
        await talk.start_tls(variant)

    return step


async def accept_legacy_tls(talk: Talk) -> None:
    """The 220 to STARTTLS, and a handshake of TLS 1.2 without RFC 5746, which OpenSSL's side of a server cannot do."""
    await asyncio.sleep(talk.delay)
    await talk.reply("220 2.0.0 Ready to start TLS")
    await talk.start_legacy_tls()


def raw(data: bytes) -> Behaviour:
    """These bytes, whatever they are; the conversation goes on."""

    async def step(talk: Talk) -> None:
        await asyncio.sleep(talk.delay)
        await talk.send(data)

    return step
