"""HOST:PORT is read in one way, whichever setting it is of."""

import pytest
from slack_bolt.async_app import AsyncApp

from bot.host_port import host_port
from bot.ops import ops
from bot.settings import Settings
from bot.slack.transport.signed_http import http
from bot.wiring import open_services
from commands.command import CommandError


@pytest.mark.parametrize(
    ("text", "default", "read"),
    [
        ("127.0.0.1:9464", None, ("127.0.0.1", 9464)),
        ("localhost:0", None, ("localhost", 0)),
        ("[::1]:9464", None, ("::1", 9464)),
        ("dns.example:5353", 53, ("dns.example", 5353)),
        ("dns.example", 53, ("dns.example", 53)),
        ("2001:db8::53", 53, ("2001:db8::53", 53)),
        ("[2001:db8::53]", 53, ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", 53, ("2001:db8::53", 5353)),
    ],
)
def test_an_address(text: str, default: int | None, read: tuple[str, int]) -> None:
    assert host_port(text, default=default) == read


NONE = (
    "",
    ":",
    ":9464",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:70000",
    "127.0.0.1:-1",
    "h:9\u0664",
    "h:" + "9" * 5000,
)
NO_BRACKETS = ("::1:9464", "2001:db8::1:9464", "[::1:9464", "::1]:9464", "[::1]", "[]:9464", "[127.0.0.1]:9464", "[::1]x:9464")


@pytest.mark.parametrize("text", [*NONE, *NO_BRACKETS])
async def test_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        host_port(text)
    with pytest.raises(CommandError, match=r"MAILFLOW_HTTP_ADDRESS: .* is no host:port"):
        async with http(AsyncApp(token="xoxb-1"), "secret", text):
            pass

    async def ready() -> None:
        pass

    if text:
        with pytest.raises(CommandError, match=r"MAILFLOW_OPS_ADDRESS: .* is no HOST:PORT"):
            async with ops(text, ready):
                pass


@pytest.mark.parametrize("text", ["127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "[::1", "::1]:53", "[::1]x", "a b"])
async def test_no_resolver(text: str) -> None:
    with pytest.raises(CommandError, match=r"--dns \(MAILFLOW_DNS\): .* is no resolver"):
        async with open_services(Settings(dns=(text,), control_host="")):
            pass
