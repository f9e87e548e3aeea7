"""Each behaviour of the lab's mail servers does on the wire what its name says; plain sockets and OpenSSL are the judge."""

import asyncio
import contextlib
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.mailserver import BEHAVIOURS, BLACK_HOLE

ADDRESS = "127.0.31.1"
NAME = "mx.lab.test"
SECONDS = 3.0
FIN, RST, SILENCE = b"<FIN>", b"<RST>", b"<silence>"


class Wire:
    """A client that knows nothing: bytes out, bytes in, and how it ended."""

    def __init__(self, address: str, port: int) -> None:
        self.where = (address, port)
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.left = b""
        self.was_reset = False
        self.socket.settimeout(SECONDS)
        try:
            self.socket.connect(self.where)
        except ConnectionResetError:
            # a reset right behind the SYN-ACK may be seen by connect already
            self.was_reset = True
        except OSError:
            self.socket.close()
            raise

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")

    def more(self, seconds: float = SECONDS) -> bytes:
        """The next bytes, or FIN, RST or SILENCE."""
        if self.was_reset:
            return RST
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65536) or FIN
        except ConnectionResetError:
            return RST
        except TimeoutError:
            return SILENCE

    def line(self, seconds: float = SECONDS) -> bytes:
        """The next line with its end, or what came instead."""
        while b"\n" not in self.left:
            found = self.more(seconds)
            if found in (FIN, RST, SILENCE):
                left, self.left = self.left, b""
                return left + found
            self.left += found
        line, _, self.left = self.left.partition(b"\n")
        return line + b"\n"

    def reply(self) -> list[str]:
        """The lines of a whole reply."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return [line.decode().rstrip("\r\n") for line in lines]

    def ask(self, line: str) -> list[str]:
        self.send(line)
        return self.reply()

    def greet(self) -> list[str]:
        """Banner and EHLO of a good server; the lines of the EHLO reply."""
        banner = self.reply()
        assert banner[0].startswith("220 "), banner
        lines = self.ask("EHLO client.lab.test")
        assert lines[0].startswith("250"), lines
        return lines

    def start_tls(self, context: ssl.SSLContext | None = None, name: str | None = NAME) -> None:
        assert self.ask("STARTTLS")[0].startswith("220 ")
        self.shake_hands(context, name)

    def shake_hands(self, context: ssl.SSLContext | None = None, name: str | None = NAME) -> None:
        self.socket = (context or client_context()).wrap_socket(self.socket, server_hostname=name)


def client_context(*, ciphers: str = "", **settings: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ciphers:
        context.set_ciphers(ciphers)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for key, value in settings.items():
            setattr(context, key, value)
    return context


@contextlib.contextmanager
def connected(address: str, port: int) -> Iterator[Wire]:
    wire = Wire(address, port)
    try:
        yield wire
    finally:
        wire.socket.close()


Judge = Callable[[Wire], None]


def patience(wanted: bytes) -> float:
    """Silence is believed sooner than a missing reply."""
    return 0.4 if wanted == SILENCE else SECONDS


def healthy(wire: Wire) -> None:
    assert "250-STARTTLS" in wire.greet()
    wire.start_tls()
    after = wire.ask("EHLO client.lab.test")
    assert after[0] == f"250-{NAME}"
    assert not any("STARTTLS" in line for line in after)
    assert wire.ask("QUIT")[0].startswith("221 ")
    assert wire.line() == FIN


def tarpit(wire: Wire) -> None:
    begun = time.monotonic()
    wire.greet()
    assert 1.9 < time.monotonic() - begun < 4


def no_starttls(wire: Wire) -> None:
    assert not any("STARTTLS" in line for line in wire.greet())
    assert wire.ask("STARTTLS")[0].startswith("502 ")
    assert wire.ask("QUIT")[0].startswith("221 ")


def banner(start: bytes, *, then: bytes = b"", client: str = "QUIT") -> Judge:
    """The first line begins so; after the client's line (or none) comes what `then` begins with."""

    def judge(wire: Wire) -> None:
        assert wire.line(patience(start)).startswith(start)
        if client:
            wire.send(client)
        if then:
            assert wire.line(patience(then)).startswith(then)

    return judge


def banner_reputation(wire: Wire) -> None:
    lines = wire.reply()
    assert lines[0] == "550-5.7.0 Connection refused - IB116"
    assert lines[-1].startswith("550 ")
    assert wire.line() == FIN


def after_ehlo(start: bytes, *, helo: bytes = b"") -> Judge:
    def judge(wire: Wire) -> None:
        assert wire.reply()[0].startswith("220 ")
        wire.send("EHLO client.lab.test")
        assert wire.line(patience(start)).startswith(start)
        if helo:
            wire.send("HELO client.lab.test")
            assert wire.line().startswith(helo)

    return judge


def after_starttls(start: bytes, *, then: bytes = b"") -> Judge:
    def judge(wire: Wire) -> None:
        assert "250-STARTTLS" in wire.greet()
        wire.send("STARTTLS")
        assert wire.line(patience(start)).startswith(start)
        if then:
            assert wire.line() == then

    return judge


def drips(wire: Wire) -> None:
    begun = time.monotonic()
    found = b"".join(wire.more() for _ in range(5))
    assert found == b"220 a"
    assert time.monotonic() - begun > 0.3


def drips_lines(wire: Wire) -> None:
    begun = time.monotonic()
    assert [wire.line() for _ in range(4)] == [b"220-still here\r\n"] * 4
    assert time.monotonic() - begun > 0.2


def pours(*, lines: bool, after: str = "") -> Judge:
    def judge(wire: Wire) -> None:
        if after:
            assert wire.reply()[0].startswith("220 ")
            wire.send(after)
        found = b""
        while len(found) < 1_000_000:
            found += wire.more()
        assert (found.count(b"\n") > 10_000) is lines
        assert b"250 " not in found
        assert b"220 " not in found[4:]

    return judge


def two_replies(wire: Wire) -> None:
    found = wire.more()
    assert found.startswith(b"220 ")
    assert found.endswith(b"\r\n250 STARTTLS\r\n")


def bare_lf(wire: Wire) -> None:
    assert not wire.line().endswith(b"\r\n")
    wire.send("EHLO client.lab.test")
    assert wire.line() == f"250-{NAME}\n".encode()


def bare_cr(wire: Wire) -> None:
    assert wire.more().endswith(b"\r")
    assert wire.more(0.2) == SILENCE


def hostile(wire: Wire) -> None:
    line = wire.line()
    for evil in (b"<!channel>", b"`x`", b"\x1b[31m", b"\x00", b"\xff\xfe", "\u202e".encode()):
        assert evil in line
    wire.send("EHLO client.lab.test")
    assert b"<!channel>" in wire.line()
    assert wire.line() == b"250-STARTTLS\r\n"
    assert wire.line().startswith(b"250 ")
    wire.start_tls()


def inspected(wire: Wire) -> None:
    assert wire.line() == b"220 " + b"*" * 40 + b"\r\n"
    found = wire.ask("EHLO client.lab.test")
    assert "250-XXXXXXXA" in found
    assert "250-STARTTLS" not in found


def long_line(wire: Wire) -> None:
    assert len(wire.line()) > 5000
    assert wire.ask("EHLO client.lab.test")[0].startswith("250")


def tls_record(wire: Wire) -> None:
    assert wire.more().startswith(b"\x15\x03\x01")


def half_banner(wire: Wire) -> None:
    assert wire.line() == b"220 mail.lab" + FIN


def no_quit_reply(wire: Wire) -> None:
    wire.greet()
    wire.send("QUIT")
    assert wire.more(0.3) == SILENCE


def quit_reset(wire: Wire) -> None:
    wire.greet()
    wire.send("QUIT")
    assert wire.line() == RST


def handshake_fails(*reasons: str, context: Callable[[], ssl.SSLContext] = client_context) -> Judge:
    """OpenSSL's own word for it, which differs between its builds."""

    def judge(wire: Wire) -> None:
        wire.greet()
        with pytest.raises((ssl.SSLError, ConnectionError, TimeoutError)) as caught:
            wire.start_tls(context())
        assert any(reason in str(caught.value) for reason in reasons)

    return judge


def fin_instead_of_hello(wire: Wire) -> None:
    wire.greet()
    wire.send("STARTTLS")
    assert wire.line().startswith(b"220 ")
    assert wire.line() == FIN


def silent_after_go(wire: Wire) -> None:
    wire.greet()
    assert wire.ask("STARTTLS")[0].startswith("220 ")
    assert wire.more(0.3) == SILENCE


def dripping_handshake(wire: Wire) -> None:
    wire.greet()
    assert wire.ask("STARTTLS")[0].startswith("220 ")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    wire.socket.sendall(outgoing.read())
    assert [len(wire.more()) for _ in range(4)] == [1, 1, 1, 1]


def injected(wire: Wire) -> None:
    wire.greet()
    wire.send("STARTTLS")
    assert wire.line().startswith(b"220 ")
    assert wire.line() == b"250-evil.example\r\n"
    assert wire.line() == b"250 AUTH PLAIN INJECTED\r\n"
    wire.shake_hands()
    assert wire.ask("EHLO client.lab.test")[0] == f"250-{NAME}"


def unknown_name(wire: Wire) -> None:
    handshake_fails("UNRECOGNIZED_NAME")(wire)


def only_version(version: str, refused: ssl.TLSVersion) -> Judge:
    def judge(wire: Wire) -> None:
        wire.greet()
        wire.start_tls()
        assert isinstance(wire.socket, ssl.SSLSocket)
        assert wire.socket.version() == version
        assert wire.ask("EHLO client.lab.test")[0].startswith("250")
        with connected(*wire.where) as second:
            handshake_fails("PROTOCOL_VERSION", context=lambda: client_context(minimum_version=refused, maximum_version=refused))(
                second
            )

    return judge


def old_only(wire: Wire) -> None:
    handshake_fails("PROTOCOL_VERSION", "legacy sigalg disallowed")(wire)
    old = client_context(minimum_version=ssl.TLSVersion.TLSv1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with connected(*wire.where) as second:
        second.greet()
        second.start_tls(old)
        assert isinstance(second.socket, ssl.SSLSocket)
        assert second.socket.version() == "TLSv1.1"


def old_suites(wire: Wire) -> None:
    handshake_fails("HANDSHAKE_FAILURE", context=lambda: client_context(ciphers="ECDHE+AESGCM"))(wire)
    with connected(*wire.where) as second:
        second.greet()
        second.start_tls(client_context(ciphers="ALL:@SECLEVEL=0"))
        assert isinstance(second.socket, ssl.SSLSocket)
        assert second.socket.version() == "TLSv1.2"


def no_rfc_5746(wire: Wire) -> None:
    """OpenSSL 3 refuses such a server unless told otherwise."""
    handshake_fails("UNSAFE_LEGACY_RENEGOTIATION_DISABLED", context=lambda: client_context(ciphers="ALL"))(wire)
    with connected(*wire.where) as second:
        second.greet()
        second.start_tls(client_context(ciphers="ALL", options=ssl.OP_ALL | 0x4))
        assert second.ask("EHLO client.lab.test")[0].startswith("250")


def asks_client(wire: Wire) -> None:
    wire.greet()
    wire.start_tls()
    assert wire.ask("EHLO client.lab.test")[0].startswith("250")


def wants_client_late(wire: Wire) -> None:
    wire.greet()
    wire.start_tls()
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        wire.socket.recv(100)


def other_extensions(wire: Wire) -> None:
    before = wire.greet()
    wire.start_tls()
    after = wire.ask("EHLO client.lab.test")
    assert "250-AUTH PLAIN LOGIN" in after
    assert "250-AUTH PLAIN LOGIN" not in before


def after_tls(start: bytes) -> Judge:
    def judge(wire: Wire) -> None:
        wire.greet()
        wire.start_tls()
        wire.send("EHLO client.lab.test")
        assert wire.line().startswith(start)

    return judge


JUDGES: dict[str, Judge] = {
    "healthy": healthy,
    "tarpit": tarpit,
    "no-starttls": no_starttls,
    "banner-421": banner(b"421 4.3.2 ", then=FIN, client=""),
    "banner-450": banner(b"450 4.7.1 ", then=b"221 "),
    "banner-554": banner(b"554 5.7.1 ", then=b"221 "),
    "banner-reputation": banner_reputation,
    "too-many-connections": banner(b"421 4.7.0 too many connections", then=FIN, client=""),
    "ehlo-421": after_ehlo(b"421 "),
    "ehlo-refused-helo-ok": after_ehlo(b"502 ", helo=f"250 {NAME}\r\n".encode()),
    "ehlo-and-helo-refused": after_ehlo(b"550 ", helo=b"550 "),
    "ehlo-refused-then-close": after_ehlo(b"550 5.7.1 Access denied: mail is not allowed here\r\n"),
    "ehlo-wants-full-name": after_ehlo(b"504 5.5.2 ", helo=b"504 5.5.2 "),
    "ehlo-refuses-name": after_ehlo(b"550 5.7.1 client.lab.test is not welcome", helo=b"250 "),
    "banner-blocklisted": banner(b"554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked", then=FIN, client=""),
    "banner-no-reverse-dns": banner(b"450 4.7.1 Client host rejected: cannot find your reverse", then=b"221 "),
    "banner-greylisted": banner(b"450 4.7.1 Greylisted", then=FIN, client=""),
    "banner-waits": banner(FIN, client=""),
    "ehlo-refused-for-now": after_ehlo(b"451 ", helo=b"451 "),
    "ehlo-endless": pours(lines=True, after="EHLO client.lab.test"),
    "ehlo-silent": after_ehlo(SILENCE),
    "starttls-421": after_starttls(b"421 ", then=FIN),
    "starttls-454": after_starttls(b"454 "),
    "starttls-501": after_starttls(b"501 "),
    "starttls-550": after_starttls(b"550 "),
    "starttls-silent": after_starttls(SILENCE),
    "starttls-close": after_starttls(FIN),
    "starttls-reset": after_starttls(RST),
    "banner-never": banner(SILENCE),
    "banner-drip": drips,
    "banner-drip-lines": drips_lines,
    "banner-endless-line": pours(lines=False),
    "banner-endless-lines": pours(lines=True),
    "banner-long-line": long_line,
    "banner-half": half_banner,
    "banner-http": banner(b"HTTP/1.1 400 "),
    "banner-ssh": banner(b"SSH-2.0-"),
    "banner-ftp": banner(b"220 (vsFTPd", client="EHLO client.lab.test", then=b"500 "),
    "banner-pop3": banner(b"+OK "),
    "banner-tls-record": tls_record,
    "banner-two-replies": two_replies,
    "close-at-accept": banner(FIN, client=""),
    "reset-at-accept": banner(RST, client=""),
    "close-after-banner": banner(b"220 ", then=FIN, client=""),
    "close-after-ehlo": after_ehlo(FIN),
    "reset-after-ehlo": after_ehlo(RST),
    "code-plus": banner(b"+22 "),
    "code-underscore": banner(b"2_2 "),
    "code-short": banner(b"22 "),
    "code-glued": banner(b"220r"),
    "code-one-hundred": banner(b"199 "),
    "mixed-codes": banner(b"220-", client="", then=b"554 "),
    "bare-lf": bare_lf,
    "bare-cr": bare_cr,
    "hostile-text": hostile,
    "inspected": inspected,
    "no-quit-reply": no_quit_reply,
    "quit-reset": quit_reset,
    "wants-auth": after_ehlo(b"530 ", helo=b"530 "),
    "starttls-then-close": fin_instead_of_hello,
    "starttls-then-close-after-hello": handshake_fails("EOF occurred", "closed (EOF)"),
    "starttls-then-reset": handshake_fails("reset by peer"),
    "starttls-then-silence": silent_after_go,
    "starttls-then-garbage": handshake_fails("WRONG_VERSION_NUMBER"),
    "starttls-then-alert": handshake_fails("SSLV3_ALERT_HANDSHAKE_FAILURE"),
    "starttls-then-internal-error": handshake_fails("TLSV1_ALERT_INTERNAL_ERROR"),
    "injected-after-starttls": injected,
    "tls-drip": dripping_handshake,
    "tls-unknown-name": unknown_name,
    "tls-old-only": old_only,
    "tls-1.2-only": only_version("TLSv1.2", ssl.TLSVersion.TLSv1_3),
    "tls-1.3-only": only_version("TLSv1.3", ssl.TLSVersion.TLSv1_2),
    "tls-no-common-cipher": handshake_fails("HANDSHAKE_FAILURE"),
    "tls-asks-client-cert": asks_client,
    "tls-wants-client-cert": handshake_fails("HANDSHAKE_FAILURE"),
    "tls-wants-client-cert-late": wants_client_late,
    "tls-asks-client-cert-then-close": after_tls(FIN),
    "tls-old-suites": old_suites,
    "tls-no-rfc-5746": no_rfc_5746,
    "tls-other-extensions": other_extensions,
    "tls-then-close": after_tls(FIN),
    "tls-then-421": after_tls(b"421 "),
}


def world(**host: Any) -> dict[str, Any]:
    return {"dns": {NAME: [f"A {ADDRESS}"]}, "mail": {ADDRESS: {"name": NAME, **host}}}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_each_behaviour_is_what_it_is_called(behaviour: str, tmp_path: Path) -> None:
    def judge(port: int) -> None:
        with connected(ADDRESS, port) as wire:
            JUDGES[behaviour](wire)

    certificate = {"key": "rsa"} if behaviour in ("tls-old-suites", "tls-no-rfc-5746") else "good"
    async with Lab(parse(world(behaviour=behaviour, certificate=certificate)), tmp_path) as lab:
        await asyncio.to_thread(judge, lab.smtp_port)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as here:
            here.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("address", ["127.0.31.2", "::1"])
async def test_a_black_hole_takes_no_syn_and_leaves_no_trace(address: str, tmp_path: Path) -> None:
    if ":" in address and not has_ipv6():
        pytest.skip("needs IPv6: this machine has no ::1")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.setblocking(False)
        async with Lab(parse({"mail": {address: {"behaviour": BLACK_HOLE}}}), tmp_path) as lab:
            with pytest.raises(TimeoutError):
                # two retries of the kernel fall into this time
                async with asyncio.timeout(3.5):
                    await asyncio.get_running_loop().sock_connect(client, (address, lab.smtp_port))
            port = lab.smtp_port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(Wire, address, port)


async def test_where_nothing_is_listed_the_connection_is_refused(tmp_path: Path) -> None:
    async with Lab(parse(world() | {"dns": {"none.lab.test": ["A 127.0.31.9"]}}), tmp_path) as lab:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(Wire, "127.0.31.9", lab.smtp_port)


async def test_what_a_host_may_say_differently(tmp_path: Path) -> None:
    def look(port: int) -> tuple[list[str], list[str], list[str], float]:
        with connected(ADDRESS, port) as wire:
            begun = time.monotonic()
            greeting, before = wire.reply(), wire.ask("EHLO client.lab.test")
            took = time.monotonic() - begun
            wire.start_tls()
            return greeting, before, wire.ask("EHLO client.lab.test"), took

    host = world(banner="220 hello", extensions=["STARTTLS"], extensions_after_tls=["DSN"], delay=0.2)
    async with Lab(parse(host), tmp_path) as lab:
        greeting, before, after, took = await asyncio.to_thread(look, lab.smtp_port)
    assert greeting == ["220 hello"]
    assert before == [f"250-{NAME}", "250 STARTTLS"]
    assert after == [f"250-{NAME}", "250 DSN"]
    assert took > 0.38


def subject(wire: Wire) -> str:
    assert isinstance(wire.socket, ssl.SSLSocket)
    return ssl.DER_cert_to_PEM_cert(wire.socket.getpeercert(binary_form=True) or b"")


async def test_certificates_by_turn_and_by_sni(tmp_path: Path) -> None:
    def presented(port: int, name: str | None) -> str:
        with connected(ADDRESS, port) as wire:
            wire.greet()
            wire.start_tls(name=name)
            return subject(wire)

    turns = world(certificate=["good", "expired"])
    async with Lab(parse(turns), tmp_path) as lab:
        first, second, third = [await asyncio.to_thread(presented, lab.smtp_port, NAME) for _ in range(3)]
    assert first == third != second
    by_name = world(certificate_without_sni="self-signed")
    async with Lab(parse(by_name), tmp_path) as lab:
        named, bare, again = [await asyncio.to_thread(presented, lab.smtp_port, name) for name in (NAME, None, NAME)]
        assert [session.sni for session in lab.mail[ADDRESS].sessions] == [NAME, None, NAME]
    assert named == again != bare


async def test_sessions_are_recorded(tmp_path: Path) -> None:
    def talk(port: int) -> None:
        with connected(ADDRESS, port) as wire, connected(ADDRESS, port) as other:
            assert other.reply()[0].startswith("220 ")
            wire.greet()
            wire.start_tls()
            assert wire.ask("MAIL FROM:<>")[0].startswith("502 ")
            assert wire.ask("QUIT")[0].startswith("221 ")

    async with Lab(parse(world()), tmp_path) as lab:
        await asyncio.to_thread(talk, lab.smtp_port)
        mail = lab.mail[ADDRESS]
    assert mail.most_open == 2
    assert mail.open == 0
    assert mail.lines == ["EHLO client.lab.test", "STARTTLS", "MAIL FROM:<>", "QUIT"]
    first = mail.sessions[0]
    assert first.said("mail")
    assert not first.said("AUTH")
    assert (first.tls, first.sni, first.peer) == ("TLSv1.3", NAME, "127.0.0.1")
    assert first.ended
    assert first.ended > first.started


async def test_no_more_connections_than_allowed(tmp_path: Path) -> None:
    def talk(port: int) -> list[str]:
        with connected(ADDRESS, port) as first, connected(ADDRESS, port) as second:
            return first.reply() + second.reply()

    async with Lab(parse(world(most_at_once=1)), tmp_path) as lab:
        greetings = await asyncio.to_thread(talk, lab.smtp_port)
    assert sorted(line[:3] for line in greetings) == ["220", "421"]
