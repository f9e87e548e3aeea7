"""How mail servers misbehave behind their 220 to STARTTLS. HANDSHAKES is the table of the names."""

from collections.abc import Mapping

from bot.demo.lab.manners import Behaviour, Step, accept_legacy_tls, accept_tls, end, raw, reset, serve, stay_silent, then_close
from bot.demo.lab.talk import Talk

GO = "220 2.0.0 Ready to start TLS"
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"
INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"


def _go_then(step: Behaviour, *, after_hello: bool = False) -> Step:
    """Accept STARTTLS, then do this, perhaps only when the ClientHello is there."""

    async def steps(talk: Talk) -> None:
        await talk.reply(GO)
        if after_hello:
            await talk.receive_raw()
        await step(talk)

    return steps


async def then_close_at_once(talk: Talk) -> None:
    """Accepts STARTTLS and closes (FIN)."""
    await serve(talk, starttls=_go_then(end))


async def then_close_after_hello(talk: Talk) -> None:
    """Accepts STARTTLS and closes when the ClientHello has come."""
    await serve(talk, starttls=_go_then(end, after_hello=True))


async def then_reset(talk: Talk) -> None:
    """Accepts STARTTLS and resets (RST) when the ClientHello has come."""
    await serve(talk, starttls=_go_then(reset, after_hello=True))


async def then_silence(talk: Talk) -> None:
    """Accepts STARTTLS and says nothing more."""
    await serve(talk, starttls=_go_then(stay_silent))


async def then_garbage(talk: Talk) -> None:
    """Accepts STARTTLS and answers the ClientHello with no TLS."""
    await serve(talk, starttls=_go_then(raw(b"500 5.5.1 Command unrecognized: \\x16\\x03\\x01\r\n" * 3), after_hello=True))


async def then_alert(talk: Talk) -> None:
    """Accepts STARTTLS and answers the ClientHello with the fatal alert 40, handshake failure."""
    await serve(talk, starttls=_go_then(raw(HANDSHAKE_FAILURE), after_hello=True))


async def then_internal_error(talk: Talk) -> None:
    """Accepts STARTTLS and answers the ClientHello with the fatal alert 80, internal error."""
    await serve(talk, starttls=_go_then(raw(INTERNAL_ERROR), after_hello=True))


async def drips(talk: Talk) -> None:
    """Accepts STARTTLS and sends its side of the handshake one byte each 200 ms."""

    async def slowly(talk: Talk) -> None:
        await talk.reply(GO)
        talk.pace = 0.2
        await talk.start_tls()

    await serve(talk, starttls=slowly)


async def injected(talk: Talk) -> None:
    """Sends plain bytes behind the 220, as somebody between could; TLS is fine then."""
    await serve(talk, starttls=accept_tls(behind=b"250-evil.example\r\n250 AUTH PLAIN INJECTED\r\n"))


async def unknown_name(talk: Talk) -> None:
    """Refuses every name asked for by SNI, with the alert unrecognized_name."""
    await serve(talk, starttls=accept_tls("unknown-name"))


async def old_only(talk: Talk) -> None:
    """Knows TLS 1.0 and 1.1 only."""
    await serve(talk, starttls=accept_tls("old"))


async def tls12_only(talk: Talk) -> None:
    """Knows TLS up to 1.2, and is fine."""
    await serve(talk, starttls=accept_tls("1.2"))


async def tls13_only(talk: Talk) -> None:
    """Knows TLS 1.3 only, and is fine."""
    await serve(talk, starttls=accept_tls("1.3"))


async def no_common_cipher(talk: Talk) -> None:
    """Knows TLS 1.2 with ARIA alone, which no mail client offers."""
    await serve(talk, starttls=accept_tls("odd-cipher"))


async def asks_client(talk: Talk) -> None:
    """Asks for a client certificate, and goes on without."""
    await serve(talk, starttls=accept_tls("asks-client"))


async def wants_client(talk: Talk) -> None:
    """Demands a client certificate: the handshake fails."""
    await serve(talk, starttls=accept_tls("demands-client"))


async def wants_client_late(talk: Talk) -> None:
    """Demands a client certificate under TLS 1.3: the alert comes after the client's handshake."""
    await serve(talk, starttls=accept_tls("demands-client-late"))


async def asks_client_then_closes(talk: Talk) -> None:
    """Asks for a client certificate, and without one closes on the first command inside TLS."""
    await serve(talk, starttls=accept_tls("asks-client"), ehlo_after_tls=end, quit_=end)


async def old_suites(talk: Talk) -> None:
    """Knows TLS 1.0 to 1.2, with a CBC suite alone."""
    await serve(talk, starttls=accept_tls("old-suites"))


async def no_rfc_5746(talk: Talk) -> None:
    """Knows TLS 1.2 without secure renegotiation, and is fine."""
    await serve(talk, starttls=accept_legacy_tls)


async def other_extensions(talk: Talk) -> None:
    """Offers other extensions after TLS than before."""
    await serve(talk, ehlo_after_tls=f"250 {talk.name}\nSIZE 1000000\nAUTH PLAIN LOGIN\nCHUNKING")


async def closes_after(talk: Talk) -> None:
    """Closes on the first command after TLS."""
    await serve(talk, ehlo_after_tls=end, quit_=end)


async def unavailable_after(talk: Talk) -> None:
    """Is not available on EHLO after TLS."""
    await serve(talk, ehlo_after_tls=then_close("421 4.3.2 Service not available"))


HANDSHAKES: Mapping[str, Behaviour] = {
    "starttls-then-close": then_close_at_once,
    "starttls-then-close-after-hello": then_close_after_hello,
    "starttls-then-reset": then_reset,
    "starttls-then-silence": then_silence,
    "starttls-then-garbage": then_garbage,
    "starttls-then-alert": then_alert,
    "starttls-then-internal-error": then_internal_error,
    "injected-after-starttls": injected,
    "tls-drip": drips,
    "tls-unknown-name": unknown_name,
    "tls-old-only": old_only,
    "tls-1.2-only": tls12_only,
    "tls-1.3-only": tls13_only,
    "tls-no-common-cipher": no_common_cipher,
    "tls-asks-client-cert": asks_client,
    "tls-wants-client-cert": wants_client,
    "tls-wants-client-cert-late": wants_client_late,
    "tls-asks-client-cert-then-close": asks_client_then_closes,
    "tls-old-suites": old_suites,
    "tls-no-rfc-5746": no_rfc_5746,
    "tls-other-extensions": other_extensions,
    "tls-then-close": closes_after,
    "tls-then-421": unavailable_after,
}
