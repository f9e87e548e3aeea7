"""Whatever comes back: an end in time, a sentence for people, no memory lost, no token given away."""

import time
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.lab.certificates import ISSUERS
from bot.demo.lab.tenant import LabTenant, Trouble, troubles
from diagnostics.connectors import admin_api, https_client
from diagnostics.connectors.access_token import App
from diagnostics.connectors.exchange_online import ExchangeOnline
from diagnostics.connectors.faults import MAX_SHOWN, Fault, shown
from diagnostics.connectors.source import SourceError

GET = "Get-TransportRule"


async def said(reader: ExchangeOnline) -> str:
    with pytest.raises(SourceError) as caught:
        await reader.rules()
    return str(caught.value)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("forbidden", f"may not run {GET}. Give it the role 'View-Only Configuration'."),
        ("refused", r"HTTP 400. It says: The value isn't valid: \x1b[31m<!channel>."),
        ("not-found", "HTTP 404. It says: The object couldn't be found on 'LAB01'."),
        ("errors", f"answers {GET} with an error: The change was not taken."),
        ("ineffective", f"gave an answer to {GET} without rows"),
        ("no-rows", f"gave an answer to {GET} without rows"),
        ("list", "gave an answer that is list, not an object"),
        ("html", "gave an answer that is no JSON"),
        ("half-json", "gave an answer that is no JSON"),
        ("deep", "gave an answer that is no JSON (RecursionError)"),
        ("large", "sent more than 8 MiB"),
        ("bomb", "sent more than 8 MiB"),
        ("redirect", "HTTP 307. Check MAILFLOW_EXCHANGE_URL, and proxies on the way."),
        ("link-elsewhere", f"sends {GET} to another place for its next page"),
    ],
)
async def test_an_answer_that_is_none(tenant: LabTenant, reader: ExchangeOnline, trouble: str, words: str) -> None:
    tenant.spoil(Trouble(GET, trouble, times=None))
    text = await said(reader)
    assert text.startswith(f"Exchange Online (127.0.0.1:{tenant.port})")
    assert words in text
    assert text.isprintable()
    assert len(tenant.asked(GET)) == 1


@pytest.mark.parametrize("trouble", ["large", "bomb", "deep"])
async def test_memory_stays_small(tenant: LabTenant, reader: ExchangeOnline, trouble: str) -> None:
    await reader.rules()
    tenant.spoil(Trouble(GET, trouble, times=None))
    await said(reader)  # the lab makes its bomb
    tracemalloc.start()
    await said(reader)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


@pytest.mark.parametrize("trouble", ["silent", "drip"])
async def test_no_answer_has_an_end(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(https_client, "SECONDS", 0.3)
    tenant.spoil(Trouble(GET, trouble, times=None))
    started = time.monotonic()
    assert "did not answer within" in await said(reader)
    assert time.monotonic() - started < 3
    assert len(tenant.asked(GET)) == 1


async def test_a_list_has_an_end(tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch) -> None:
    """However patiently it is asked for."""
    monkeypatch.setattr(admin_api, "READ_SECONDS", 0.5)
    tenant.spoil(Trouble(GET, "busy", times=None, retry_after="20"))
    started = time.monotonic()
    assert f"did not give all of {GET}" in await said(reader)
    assert time.monotonic() - started < 3


async def test_all_pages_together_are_bounded(tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_api, "MAX_LIST", 500)
    tenant.spoil(Trouble(GET, "links-for-ever", times=None))
    assert "without an end" in await said(reader)
    assert len(tenant.asked(GET)) < 5


async def test_a_compressed_answer_is_read(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble(GET, "zipped"))
    assert len(await reader.rules()) == 2


@pytest.mark.parametrize(
    ("property", "value"), [("Name", None), ("Name", ""), ("Enabled", {"a": 1}), ("SmartHosts", 5), ("RecipientDomains", [[1]])]
)
async def test_a_row_that_cannot_be(tenant: LabTenant, reader: ExchangeOnline, property: str, value: object) -> None:
    tenant.change("connector", "On premises", property, value)
    with pytest.raises(SourceError, match=f"answers Get-OutboundConnector with {property}"):
        await reader.fresh()


async def test_what_microsoft_may_add_is_taken_as_it_is(tenant: LabTenant, reader: ExchangeOnline) -> None:
    for property, value in (
        ("TlsSettings", "PostQuantum"),
        ("ConnectorType", "Orbital"),
        ("WhenChangedUTC", "2026-07-24T18:59:12.1234567"),
        ("New", [{}]),
    ):
        tenant.change("connector", "On premises", property, value)
    found = (await reader.fresh()).connectors[0]
    assert (found.TlsSettings, found.ConnectorType) == ("PostQuantum", "Orbital")


async def test_what_was_not_told_can_be_told_from_false(tenant: LabTenant, reader: ExchangeOnline) -> None:
    del tenant.state.true("connector", "On premises")["RouteAllMessagesViaOnPremises"]
    assert "RouteAllMessagesViaOnPremises" not in (await reader.fresh()).connectors[0].model_fields_set


# --- Who is talked to ---


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "127.0.0.1",
        "https://",
        "",
        "ftp://x",
        "https://user:word@host",
        "https://host:port",
        "https://a b",
        "https://[::1",
        "https://h\nx",
    ],
)
@pytest.mark.parametrize("setting", ["MAILFLOW_LOGIN_URL", "MAILFLOW_EXCHANGE_URL"])
def test_bases_are_https(url: str, setting: str) -> None:
    login, exchange = (url, "https://127.0.0.1") if setting == "MAILFLOW_LOGIN_URL" else ("https://127.0.0.1", url)
    with pytest.raises(SourceError, match=f"^{setting}: .* Write it as https://HOST.$"):
        ExchangeOnline(App("t", "c", "s"), login, exchange)


@pytest.mark.parametrize(
    ("link", "followed"),
    [
        ("https://127.0.0.1:{port}/adminapi/beta/{guid}/InvokeCommand?$skiptoken=1", True),
        ("HTTPS://127.0.0.1:{port}/AdminApi/beta/{guid}/InvokeCommand?x=%27", True),
        ("https://127.0.0.1/adminapi/beta/{guid}/InvokeCommand", False),
        ("http://127.0.0.1:{port}/adminapi/beta/{guid}/InvokeCommand", False),
        ("https://localhost:{port}/adminapi/beta/{guid}/InvokeCommand", False),
        ("https://u:p@127.0.0.1:{port}/adminapi/beta/{guid}/InvokeCommand", False),
        ("https://127.0.0.1:{port}/adminapi/beta/{guid}/$batch", False),
        ("https://127.0.0.1:{port}/adminapi/beta/../InvokeCommand/x", False),
        ("//127.0.0.1:{port}/adminapi/beta/{guid}/InvokeCommand", False),
        ("/adminapi/beta/{guid}/InvokeCommand", False),
        ("https://127.0.0.1:{port}/adminapi/beta/{guid}/InvokeCommand?\r\nX: y", False),
        ("https://127.0.0.1:99999/adminapi/beta/{guid}/InvokeCommand", False),
        ("https://[::1/adminapi/beta/{guid}/InvokeCommand", False),
        (["https://127.0.0.1"], False),
        (7, False),
    ],
)
async def test_only_the_same_place_has_a_next_page(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch, link: object, followed: bool
) -> None:
    filled = link.format(port=tenant.port, guid=tenant.guid) if isinstance(link, str) else link
    monkeypatch.setattr(troubles, "ELSEWHERE", filled)
    tenant.spoil(Trouble(GET, "link-elsewhere"))
    if followed:
        assert await reader.rules()
    else:
        assert "another place" in await said(reader)
    assert len(tenant.asked(GET)) == (2 if followed else 1)


async def test_a_certificate_that_is_not_trusted(tenant: LabTenant, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(ISSUERS["unknown-intermediate"]().chain()[1].public_bytes(Encoding.PEM))
    wired = https_client.Wire("Exchange Online", other, keep=True)
    with pytest.raises(Fault, match=r"certificate that is not trusted .* Check MAILFLOW_EXCHANGE_CA_FILE") as caught:
        await wired.post(tenant.url, {}, b"")
    await wired.close()
    assert caught.value.kind == "not-sent"


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b"", "no PEM"), (b"\x00\xff", "no PEM"), (b"-----BEGIN CERTIFICATE-----", "no PEM")],
)
def test_roots_that_are_none(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        ExchangeOnline(App("t", "c", "s"), "https://127.0.0.1", "https://127.0.0.1", file)
    assert str(caught.value) == f"MAILFLOW_EXCHANGE_CA_FILE: {file}: no roots can be read from it ({why})."


# --- Foreign words ---


@given(st.text(max_size=2000))
def test_foreign_words_are_fit_to_be_shown(text: str) -> None:
    line = shown(text)
    assert len(line) <= MAX_SHOWN
    assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("The object 'alice@contoso.test' is gone.", "The object '…@contoso.test' is gone."),
        ("SMTP:bob.b+x@contoso.test,carol@contoso.test", "SMTP:…@contoso.test,…@contoso.test"),
        ("two\n  lines\t", "two lines"),
        ("\x00\u202e", r"\x00\u202e"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_foreign_words(text: str, line: str) -> None:
    assert shown(text) == line
