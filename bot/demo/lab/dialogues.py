"""How mail servers behave from EHLO to the reply to STARTTLS, and at QUIT. DIALOGUES is the table of the names."""

from collections.abc import Mapping

from bot.demo.lab.manners import (
    Behaviour,
    end,
    pour,
    reset,
    serve,
    stay_silent,
    then_close,
)
from bot.demo.lab.talk import Talk


async def healthy(talk: Talk) -> None:
    """Offers STARTTLS, keeps it, and answers everything."""
    await serve(talk)


async def tarpit(talk: Talk) -> None:
    """Is fine, but lets the client wait for each reply: the host's delay, else a second."""
    talk.delay = talk.delay or 1.0
    await serve(talk)


async def no_starttls(talk: Talk) -> None:
    """Is fine, but does not offer STARTTLS."""
    listed = [word for word in talk.host.extensions if word != "STARTTLS"]
    await serve(talk, ehlo="\n".join((f"250 {talk.name}", *listed)), starttls="502 5.5.1 Command not implemented")


async def ehlo_421(talk: Talk) -> None:
    """Greets, then is not available."""
    await serve(talk, ehlo=then_close("421 4.3.2 Service shutting down"))


async def ehlo_refused_helo_ok(talk: Talk) -> None:
    """Knows HELO only, so has no extensions."""
    await serve(talk, ehlo="502 5.5.1 Command not implemented")


async def ehlo_and_helo_refused(talk: Talk) -> None:
    """Greets, then refuses EHLO and HELO."""
    await serve(talk, ehlo="550 5.7.1 Access denied", helo="550 5.7.1 Access denied")


async def ehlo_refused_then_close(talk: Talk) -> None:
    """Refuses EHLO and hangs up, as Exim's `drop` does."""
    await serve(talk, ehlo=then_close("550 5.7.1 Access denied: mail is not allowed here"))


async def ehlo_wants_full_name(talk: Talk) -> None:
    """Refuses the name that the client gives in EHLO and HELO."""
    text = "504 5.5.2 <client>: Helo command rejected: need fully-qualified hostname"
    await serve(talk, ehlo=text, helo=text)


async def ehlo_refuses_name(talk: Talk) -> None:
    """Refuses the client by the name that it gives, and takes HELO."""

    async def by_name(talk: Talk) -> None:
        await talk.reply(f"550 5.7.1 {talk.session.lines[-1].partition(' ')[2]} is not welcome here")

    await serve(talk, ehlo=by_name)


async def ehlo_refused_for_now(talk: Talk) -> None:
    """Refuses EHLO and HELO with a 4xx other than 421."""
    await serve(talk, ehlo="451 4.3.0 Temporary failure", helo="451 4.3.0 Temporary failure")


async def starttls_421(talk: Talk) -> None:
    """Offers STARTTLS, then is not available."""
    await serve(talk, starttls=then_close("421 4.3.2 Service not available"))


async def starttls_454(talk: Talk) -> None:
    """Offers STARTTLS, then cannot for now."""
    await serve(talk, starttls="454 4.7.0 TLS not available due to temporary reason")


async def starttls_501(talk: Talk) -> None:
    """Offers STARTTLS, then calls it a syntax error."""
    await serve(talk, starttls="501 5.5.4 Syntax error (no parameters allowed)")


async def starttls_550(talk: Talk) -> None:
    """Offers STARTTLS, then refuses it for good."""
    await serve(talk, starttls="550 5.7.1 TLS denied")


async def starttls_silent(talk: Talk) -> None:
    """Offers STARTTLS, and never answers it."""
    await serve(talk, starttls=stay_silent)


async def starttls_close(talk: Talk) -> None:
    """Offers STARTTLS, and closes instead of answering it."""
    await serve(talk, starttls=end)


async def starttls_reset(talk: Talk) -> None:
    """Offers STARTTLS, and resets instead of answering it."""
    await serve(talk, starttls=reset)


async def ehlo_endless(talk: Talk) -> None:
    """Lists extensions without an end."""

    async def lines(talk: Talk) -> None:
        await pour(talk, (b"250-" + b"A" * 60 + b"\r\n") * 100)

    await serve(talk, ehlo=lines)


async def ehlo_silent(talk: Talk) -> None:
    """Greets, then hangs."""
    await serve(talk, ehlo=stay_silent)


async def close_after_ehlo(talk: Talk) -> None:
    """Closes (FIN) instead of answering EHLO."""
    await serve(talk, ehlo=end)


async def reset_after_ehlo(talk: Talk) -> None:
    """Resets (RST) instead of answering EHLO."""
    await serve(talk, ehlo=reset)


async def inspected(talk: Talk) -> None:
    """Stands behind a firewall that blots out what it does not know."""
    await serve(
        talk,
        banner="220 " + "*" * 40,
        ehlo=f"250 {talk.name}\nSIZE 37748736\nXXXXXXXA\n8BITMIME",
        starttls="500 5.3.3 Unrecognized command 'XXXXXXXX'",
    )


async def no_quit_reply(talk: Talk) -> None:
    """Is fine, but never answers QUIT."""
    await serve(talk, quit_=stay_silent)


async def quit_reset(talk: Talk) -> None:
    """Is fine, but resets at QUIT."""
    await serve(talk, quit_=reset)


async def wants_auth(talk: Talk) -> None:
    """Demands a log-in before anything."""
    await serve(talk, ehlo="530 5.7.0 Authentication required", helo="530 5.7.0 Authentication required")


DIALOGUES: Mapping[str, Behaviour] = {
    "healthy": healthy,
    "tarpit": tarpit,
    "no-starttls": no_starttls,
    "ehlo-421": ehlo_421,
    "ehlo-refused-helo-ok": ehlo_refused_helo_ok,
    "ehlo-and-helo-refused": ehlo_and_helo_refused,
    "ehlo-refused-then-close": ehlo_refused_then_close,
    "ehlo-wants-full-name": ehlo_wants_full_name,
    "ehlo-refuses-name": ehlo_refuses_name,
    "ehlo-refused-for-now": ehlo_refused_for_now,
    "starttls-421": starttls_421,
    "starttls-454": starttls_454,
    "starttls-501": starttls_501,
    "starttls-550": starttls_550,
    "starttls-silent": starttls_silent,
    "starttls-close": starttls_close,
    "starttls-reset": starttls_reset,
    "ehlo-endless": ehlo_endless,
    "ehlo-silent": ehlo_silent,
    "close-after-ehlo": close_after_ehlo,
    "reset-after-ehlo": reset_after_ehlo,
    "inspected": inspected,
    "no-quit-reply": no_quit_reply,
    "quit-reset": quit_reset,
    "wants-auth": wants_auth,
}
