"""How mail servers misbehave before the client has said a word. BANNERS is the table of the names."""

import asyncio
from collections.abc import Mapping

from bot.demo.lab.manners import (
    DRIP_SECONDS,
    Behaviour,
    drip,
    pour,
    raw,
    serve,
    stay_silent,
    then_close,
)
from bot.demo.lab.talk import Talk


async def banner_421(talk: Talk) -> None:
    """Is not available, says so at once and closes."""
    await serve(talk, banner=then_close(talk.host.banner or "421 4.3.2 Service not available, closing transmission channel"))


async def banner_450(talk: Talk) -> None:
    """Refuses for now; waits for QUIT."""
    await serve(talk, banner="450 4.7.1 Client host rejected: try again later")


async def banner_554(talk: Talk) -> None:
    """Refuses for good; waits for QUIT."""
    await serve(talk, banner="554 5.7.1 No SMTP service here")


async def banner_reputation(talk: Talk) -> None:
    """Refuses the address's reputation with words that sound like TCP's."""
    text = "550 5.7.0 Connection refused - IB116\nAccess denied: the sending address has a poor reputation\nSee https://postmaster.example/IB116"
    await serve(talk, banner=then_close(text))


async def too_many_connections(talk: Talk) -> None:
    """Has more connections than it likes."""
    await serve(talk, banner=then_close("421 4.7.0 too many connections from your host"))


async def banner_blocklisted(talk: Talk) -> None:
    """Refuses this very client, whose address stands on a block list."""
    text = f"554 5.7.1 Service unavailable; Client host [{talk.session.peer}] blocked using zen.spamhaus.org"
    await serve(talk, banner=then_close(text))


async def banner_no_reverse_dns(talk: Talk) -> None:
    """Refuses a client without reverse DNS, for now; waits for QUIT."""
    await serve(talk, banner="450 4.7.1 Client host rejected: cannot find your reverse hostname, try again later")


async def banner_greylisted(talk: Talk) -> None:
    """Takes nobody at the first try."""
    await serve(talk, banner=then_close("450 4.7.1 Greylisted, please try again in 300 seconds"))


async def banner_waits(talk: Talk) -> None:
    """Waits for the PROXY header of its balancer, and hangs up when none comes."""
    await asyncio.sleep(2.5)
    await talk.close()


async def banner_never(talk: Talk) -> None:
    """Takes the connection and says nothing."""
    await stay_silent(talk)


async def banner_drip(talk: Talk) -> None:
    """Sends its banner one byte each 100 ms and never ends the line."""
    await drip(talk, b"220 " + b"a" * 6000)


async def banner_drip_lines(talk: Talk) -> None:
    """Goes on with another banner line each 100 ms."""
    for _ in range(6000):
        await talk.send(b"220-still here\r\n")
        await asyncio.sleep(DRIP_SECONDS)


async def banner_endless_line(talk: Talk) -> None:
    """Sends a banner line without an end."""
    await talk.send(b"220 ")
    await pour(talk, b"A" * 8192)


async def banner_endless_lines(talk: Talk) -> None:
    """Sends banner lines without an end."""
    await pour(talk, (b"220-" + b"A" * 60 + b"\r\n") * 100)


async def banner_long_line(talk: Talk) -> None:
    """Has a banner of 5000 characters and is fine otherwise."""
    await serve(talk, banner="220 " + "A" * 5000)


async def banner_http(talk: Talk) -> None:
    """Is a web server."""
    await serve(talk, banner=raw(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"))


async def banner_ssh(talk: Talk) -> None:
    """Is an SSH server."""
    await serve(talk, banner=raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))


async def banner_ftp(talk: Talk) -> None:
    """Is an FTP server, whose banner has SMTP's code."""
    text = "500 Unknown command."
    await serve(talk, banner="220 (vsFTPd 3.0.3)", ehlo=text, helo=text, quit_="221 Goodbye.")


async def banner_pop3(talk: Talk) -> None:
    """Is a POP3 server."""
    await serve(talk, banner=raw(b"+OK POP3 ready\r\n"))


async def banner_tls_record(talk: Talk) -> None:
    """Speaks TLS from the first byte: an alert record."""
    await serve(talk, banner=raw(b"\x15\x03\x01\x00\x02\x02\x28" * 2))


async def banner_close(talk: Talk) -> None:
    """Closes (FIN) before any byte."""
    await talk.close()


async def banner_reset(talk: Talk) -> None:
    """Resets (RST) before any byte."""
    talk.reset()


async def banner_half(talk: Talk) -> None:
    """Closes in the middle of its banner."""
    await talk.send(b"220 mail.lab")
    await talk.close()


async def close_after_banner(talk: Talk) -> None:
    """Greets and closes."""
    await serve(talk, banner=then_close(f"220 {talk.name} ESMTP"))


async def code_plus(talk: Talk) -> None:
    """Has a banner whose code is no three digits, though a lax parser makes a number of it."""
    await serve(talk, banner=raw(b"+22 ready\r\n"))


async def code_underscore(talk: Talk) -> None:
    """Has a banner with an underscore in its code."""
    await serve(talk, banner=raw(b"2_2 ready\r\n"))


async def code_short(talk: Talk) -> None:
    """Has a banner with two digits."""
    await serve(talk, banner=raw(b"22 ready\r\n"))


async def code_glued(talk: Talk) -> None:
    """Has neither blank nor hyphen behind the code."""
    await serve(talk, banner=raw(b"220ready\r\n"))


async def code_one_hundred(talk: Talk) -> None:
    """Has a banner with a code outside SMTP's range."""
    await serve(talk, banner=raw(b"199 ready\r\n"))


async def mixed_codes(talk: Talk) -> None:
    """Has a banner of two lines with two codes."""
    await serve(talk, banner=raw(b"220-ready\r\n554 not ready\r\n"))


async def banner_two_replies(talk: Talk) -> None:
    """Sends a second reply behind the banner, before anything was asked."""
    await serve(talk, banner=raw(f"220 {talk.name} ESMTP\r\n250 STARTTLS\r\n".encode()))


async def bare_lf(talk: Talk) -> None:
    """Ends every line with LF alone."""

    async def lf(talk: Talk) -> None:
        await talk.say(f"250-{talk.name}", "250 STARTTLS", newline="\n")

    await serve(talk, banner=raw(f"220 {talk.name} ESMTP\n".encode()), ehlo=lf)


async def bare_cr(talk: Talk) -> None:
    """Ends its banner with CR alone."""
    await serve(talk, banner=raw(f"220 {talk.name} ESMTP\r".encode()))


async def hostile_text(talk: Talk) -> None:
    """Is fine, with text that attacks whoever shows it."""
    evil = b"<!channel> `x` *b* <http://a.example|bank> & \x1b[31m\x00 \xff\xfe \xe2\x80\xae end"
    await serve(
        talk,
        banner=raw(b"220 " + evil + b"\r\n"),
        ehlo=raw(b"250-" + evil + b"\r\n250-STARTTLS\r\n250 X-" + evil + b"\r\n"),
    )


BANNERS: Mapping[str, Behaviour] = {
    "banner-421": banner_421,
    "banner-450": banner_450,
    "banner-554": banner_554,
    "banner-reputation": banner_reputation,
    "too-many-connections": too_many_connections,
    "banner-blocklisted": banner_blocklisted,
    "banner-no-reverse-dns": banner_no_reverse_dns,
    "banner-greylisted": banner_greylisted,
    "banner-waits": banner_waits,
    "banner-never": banner_never,
    "banner-drip": banner_drip,
    "banner-drip-lines": banner_drip_lines,
    "banner-endless-line": banner_endless_line,
    "banner-endless-lines": banner_endless_lines,
    "banner-long-line": banner_long_line,
    "banner-http": banner_http,
    "banner-ssh": banner_ssh,
    "banner-ftp": banner_ftp,
    "banner-pop3": banner_pop3,
    "banner-tls-record": banner_tls_record,
    "close-at-accept": banner_close,
    "reset-at-accept": banner_reset,
    "banner-half": banner_half,
    "close-after-banner": close_after_banner,
    "code-plus": code_plus,
    "code-underscore": code_underscore,
    "code-short": code_short,
    "code-glued": code_glued,
    "code-one-hundred": code_one_hundred,
    "mixed-codes": mixed_codes,
    "banner-two-replies": banner_two_replies,
    "bare-lf": bare_lf,
    "bare-cr": bare_cr,
    "hostile-text": hostile_text,
}
