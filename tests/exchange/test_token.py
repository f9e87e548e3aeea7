"""The token: got with a secret or a certificate, kept, renewed, and refused when it is of another tenant."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from bot.demo.lab.certificates import RECIPES, Recipe, issue, key_of
from bot.demo.lab.tenant import LabTenant, Trouble
from diagnostics.connectors.access_token import App, Token, Tokens
from diagnostics.connectors.exchange_online import ExchangeOnline
from diagnostics.connectors.faults import Fault
from diagnostics.connectors.source import SourceError

GET = "Get-TransportRule"


def tokens(tenant: LabTenant, app: App | None = None, login_url: str = "") -> Tokens:
    app = app or App(tenant.guid, tenant.reader.client_id, tenant.reader.secret)
    return Tokens(app, login_url or tenant.login_url, f"{tenant.url}/.default", tenant.ca_file)


async def got(made: Tokens) -> Token:
    try:
        return await made.get()
    finally:
        await made.close()


async def refused(made: Tokens) -> Fault:
    with pytest.raises(Fault) as caught:
        await got(made)
    return caught.value


async def test_by_secret_for_a_tenant_named_by_its_domain(tenant: LabTenant) -> None:
    token = await got(tokens(tenant, App(tenant.domain, tenant.reader.client_id, tenant.reader.secret)))
    assert token.tenant == tenant.guid


@pytest.mark.parametrize("order", ["key first", "certificate first"])
async def test_by_certificate(tenant: LabTenant, order: str) -> None:
    file = tenant.certificate(tenant.reader)
    if order == "certificate first":
        key, mark, rest = file.read_text().partition("-----BEGIN CERTIFICATE-----")
        file.write_text(mark + rest + key)
    token = await got(tokens(tenant, App(tenant.guid, tenant.reader.client_id, certificate=file)))
    assert tenant.tokens.known(token.text) == tenant.tokens.apps[tenant.reader.client_id]


async def test_it_is_kept(tenant: LabTenant, reader: ExchangeOnline) -> None:
    await reader.fresh()
    await reader.fresh()
    assert len(tenant.asked("token")) == 1


async def test_one_that_is_about_to_expire_is_not_kept(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble("token", "short-lived"))
    await reader.rules()
    await reader.rules()
    assert len(tenant.asked("token")) == 2


@pytest.mark.parametrize("why", ["taken back", "expired"])
async def test_one_that_is_not_accepted_is_renewed_once(tenant: LabTenant, reader: ExchangeOnline, why: str) -> None:
    await reader.rules()
    if why == "taken back":
        tenant.tokens.given.clear()
    else:
        tenant.spoil(Trouble(GET, "expired"))
    assert await reader.rules()
    assert len(tenant.asked("token")) == 2


async def test_two_that_are_not_accepted_are_enough(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble(GET, "expired", times=None))
    with pytest.raises(SourceError, match=r"does not accept the token of app 1111.* permission Exchange.ManageAsApp"):
        await reader.rules()
    assert (len(tenant.asked("token")), len(tenant.asked(GET))) == (2, 2)


async def test_one_of_another_tenant_is_not_used(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble("token", "wrong-tenant"))
    with pytest.raises(SourceError, match=r"The token is of tenant 99999999-.*MAILFLOW_EXCHANGE_TENANT"):
        await reader.rules()
    assert not tenant.asked(GET)


async def test_one_that_cannot_be_read_is_used_with_the_tenant_of_the_settings(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble("token", "opaque-token"))
    assert await reader.rules()


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (lambda lab: App(lab.guid, lab.reader.client_id, "wrong"), "AADSTS7000215: Invalid client secret"),
        (lambda lab: App(lab.guid, "33333333-0000-4000-8000-000000000003", "wrong"), "AADSTS700016"),
        (lambda lab: App(lab.guid, lab.writer.client_id, certificate=lab.certificate(lab.reader)), "AADSTS700027"),
        (lambda lab: App("other.onmicrosoft.test", lab.reader.client_id, lab.reader.secret), "HTTP 400"),
    ],
    ids=["secret", "app", "certificate", "tenant"],
)
async def test_settings_that_the_service_refuses(tenant: LabTenant, app: Callable[[LabTenant], App], said: str) -> None:
    wanted = app(tenant)
    fault = await refused(tokens(tenant, wanted))
    assert fault.kind == "refused"
    assert said in str(fault)
    assert f"Check tenant {wanted.tenant}, client id {wanted.client_id}, and its secret or certificate." in str(fault)
    assert tenant.reader.secret not in str(fault)


def _pem(case: str) -> bytes:
    good, other = issue(Recipe(issuer="self", key="rsa"), ()).pem(), issue(RECIPES["good"], ()).pem()
    key, mark, certificate = good.partition(b"-----BEGIN CERTIFICATE-----")
    locked = key_of("rsa").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    return {
        "empty": b"",
        "no PEM": b"\x00\xff" * 100,
        "no key": mark + certificate,
        "no certificate": key,
        "a password": locked + mark + certificate,
        "no RSA": other,
        "another's certificate": key + b"".join(other.partition(mark)[1:]),
    }[case]


@pytest.mark.parametrize("case", ["empty", "no PEM", "no key", "no certificate", "a password", "no RSA", "another's certificate"])
async def test_a_file_that_is_no_key_with_its_certificate(tenant: LabTenant, tmp_path: Path, case: str) -> None:
    file = tmp_path / "app.pem"
    file.write_bytes(_pem(case))
    fault = await refused(tokens(tenant, App(tenant.guid, tenant.reader.client_id, certificate=file)))
    assert str(fault) == f"{file}: wanted are an RSA key without a password and its certificate, both as PEM."
    assert not tenant.requests


async def test_a_certificate_file_that_is_not_there(tenant: LabTenant, tmp_path: Path) -> None:
    fault = await refused(tokens(tenant, App(tenant.guid, "x", certificate=tmp_path / "none.pem")))
    assert str(fault) == f"{tmp_path}/none.pem: cannot be read (No such file or directory)."


# --- The token service in trouble ---


@pytest.mark.parametrize("place", ["token", "openid-configuration"])
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("busy", "busy"),
        ("unavailable", "busy"),
        ("failing", "failing"),
        ("refused", "refused"),
        ("cut", "cut"),
        ("redirect", "malformed"),
        ("html", "malformed"),
        ("half-json", "malformed"),
        ("list", "malformed"),
        ("deep", "malformed"),
        ("no-rows", "malformed"),
        ("bomb", "malformed"),
        ("large", "malformed"),
        ("cut-body", "cut"),
        ("drip", "silent"),
        ("silent", "silent"),
    ],
)
async def test_what_it_does_wrong(
    tenant: LabTenant, monkeypatch: pytest.MonkeyPatch, place: str, trouble: str, kind: str
) -> None:
    monkeypatch.setattr("diagnostics.connectors.access_token.SOCKET_SECONDS", 0.3)
    monkeypatch.setattr("diagnostics.connectors.access_token.SECONDS", 0.5)
    tenant.spoil(Trouble(place, trouble, times=None))
    fault = await refused(tokens(tenant))
    assert fault.kind == kind
    assert str(fault).startswith("The token service ")
    assert str(fault).isprintable()
    assert tenant.reader.secret not in str(fault)


async def test_a_secret_goes_to_no_other_host(tenant: LabTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the service itself names one."""
    monkeypatch.setattr(LabTenant, "url", property(lambda _lab: "https://elsewhere.example"))
    fault = await refused(tokens(tenant, login_url=f"https://127.0.0.1:{tenant.port}"))
    assert "names another host" in str(fault)
    assert not tenant.asked("token")


async def test_a_certificate_of_the_service_that_is_not_trusted(tenant: LabTenant) -> None:
    app = App(tenant.guid, tenant.reader.client_id, tenant.reader.secret)
    fault = await refused(Tokens(app, tenant.login_url, f"{tenant.url}/.default"))
    assert fault.kind == "not-sent"
    assert "Check MAILFLOW_EXCHANGE_CA_FILE." in str(fault)


async def test_a_thread_ends_too(tenant: LabTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more, but the end of the program would."""
    monkeypatch.setattr("diagnostics.connectors.access_token.SECONDS", 0.3)
    tenant.spoil(Trouble("token", "drip"))
    assert (await refused(tokens(tenant))).kind == "silent"
    async with asyncio.timeout(2):
        await asyncio.get_running_loop().shutdown_default_executor()


async def test_proxies_and_roots_of_the_environment_are_passed_over(
    reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setitem(os.environ, name, "/nowhere.pem")
    assert await reader.rules()
