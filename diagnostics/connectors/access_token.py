"""Tokens for one app registration, by MSAL in a thread (client credentials, RFC 6749 section 4.4)."""

import asyncio
import base64
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped]
import requests
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from diagnostics.connectors.faults import Fault, shown
from diagnostics.connectors.source import GUID
from diagnostics.connectors.words import say

SECONDS = 10.0
"""For a token, all included. With a request behind it, it stays below the lease under which a fix is written."""

SOCKET_SECONDS = 5.0
MAX_REPLY = 1 << 20
MAX_PEM = 1 << 20

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, slots=True)
class App:
    """An app registration: tenant (Guid or domain), client id, and either a secret or a PEM file of key and certificate."""

    tenant: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """`tenant`: the Guid in it; of a token that cannot be read, the tenant of the settings."""

    text: str = field(repr=False)
    tenant: str


class _Client(Protocol):
    """What is used of msal.ConfidentialClientApplication, which has no types."""

    def acquire_token_for_client(self, scopes: list[str]) -> Mapping[str, Any]: ...

    def remove_tokens_for_client(self) -> None: ...


class Tokens:
    """The app's token, fetched when there is none that lives for five minutes more (MSAL's own rule)."""

    def __init__(self, app: App, login_url: str, scope: str, ca_file: Path | None = None) -> None:
        self._app, self._login_url, self._scope = app, login_url.rstrip("/"), scope
        self._service = say("token-service", {"host": urlsplit(login_url).netloc})
        self._http = _Http(login_url, ca_file)
        self._client: _Client | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Token:
        """Raises Fault: not-sent, silent, busy, failing, refused, malformed or setting."""
        try:
            async with asyncio.timeout(SECONDS), self._lock:
                return await asyncio.to_thread(self._get)
        except TimeoutError:
            raise Fault("silent", f"{self._service} did not answer within {SECONDS:.0f} s. Try again later.") from None

    async def drop(self) -> None:
        """The next one is a new one."""
        async with self._lock:
            if self._client is not None:
                await asyncio.to_thread(self._client.remove_tokens_for_client)

    async def close(self) -> None:
        await asyncio.to_thread(self._http.close)

    def _get(self) -> Token:
        try:
            if self._client is None:
                self._client = self._made()
            reply = self._client.acquire_token_for_client([self._scope])
        except Fault:
            raise
        except requests.Timeout:
            raise Fault("silent", f"{self._service} did not answer within {SOCKET_SECONDS:.0f} s. Try again later.") from None
        except requests.ConnectionError as error:
            raise self._unreached(error) from None
        except Exception as error:
            # MSAL raises whatever the reply makes of it; its words may hold the request, and so the secret
            raise self._fault("", type(error).__name__) from None
        text = reply.get("access_token")
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise self._fault(str(reply.get("error_description") or reply.get("error") or ""), "it holds no token")
        return Token(text, self._tenant(text))

    def _made(self) -> _Client:
        made: _Client = msal.ConfidentialClientApplication(
            self._app.client_id,
            client_credential=self._app.secret if self._app.certificate is None else _certificate(self._app.certificate),
            authority=f"{self._login_url}/{self._app.tenant}",
            # the service that is named in the settings, and no other, is asked which tenants there are
            instance_discovery=False,
            http_client=self._http,
        )
        return made

    def _unreached(self, error: requests.ConnectionError) -> Fault:
        reason = _innermost(error)
        if isinstance(reason, ConnectionResetError):  # http.client's RemoteDisconnected is one
            return self._cut()
        why = shown(str(getattr(reason, "strerror", None) or reason), 120)
        certificate = isinstance(error, requests.exceptions.SSLError)
        return Fault(
            "not-sent",
            f"{self._service} cannot be reached ({why}). "
            f"Check {'MAILFLOW_EXCHANGE_CA_FILE' if certificate else 'MAILFLOW_LOGIN_URL and the way out of this machine'}.",
        )

    def _cut(self) -> Fault:
        return Fault("cut", f"{self._service} broke off its answer. Try again later.")

    def _fault(self, said: str, what: str) -> Fault:
        """By the status of the last reply, which MSAL does not hand on. `said`: by the service; `what` is wrong, in our words."""
        status = self._http.status
        if status is None:
            return self._cut()
        if status == 429 or status >= 500:
            return Fault(
                "busy" if status in (429, 503) else "failing", f"{self._service} fails (HTTP {status}). Try again later."
            )
        if 400 <= status < 500:
            return Fault(
                "refused",
                f"{self._service} refuses (HTTP {status}). "
                f"Check tenant {self._app.tenant}, client id {self._app.client_id}, and its secret or certificate.",
                # behind the reason stand ids for Microsoft's support
                said=said.partition(" Trace ID")[0],
            )
        return Fault("malformed", f"{self._service} gives no usable answer ({what}). Check MAILFLOW_LOGIN_URL.")

    def _tenant(self, text: str) -> str:
        """Only the service that the token is for can verify it; here its tenant is compared, lest a wrong one be changed."""
        found, wanted = _tid(text), self._app.tenant
        if found and GUID.fullmatch(wanted) and found.lower() != wanted.lower():
            raise Fault("setting", f"The token is of tenant {found}, the settings name {wanted}. Check MAILFLOW_EXCHANGE_TENANT.")
        return found or wanted


def _tid(text: str) -> str | None:
    """The claim `tid` of an access token (Microsoft identity platform, access token claims). None: not a token to be read."""
    try:
        claims = text.split(".")[1]
        tid = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("tid")
    except (IndexError, ValueError, AttributeError, RecursionError):
        return None
    return tid if isinstance(tid, str) and GUID.fullmatch(tid) else None


def _certificate(file: Path) -> dict[str, str]:
    """MSAL's form; it computes the thumbprint. Raises Fault that names the file."""
    try:
        with file.open("rb") as opened:
            pem = opened.read(MAX_PEM)
        key = load_pem_private_key(pem, None)
        if not isinstance(key, RSAPrivateKey) or key.public_key() != x509.load_pem_x509_certificate(pem).public_key():
            raise ValueError
    except OSError as error:
        raise Fault("setting", f"{file}: cannot be read ({error.strerror}).") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Fault("setting", f"{file}: wanted are an RSA key without a password and its certificate, both as PEM.") from None
    return {"private_key": pem.decode("latin-1"), "public_certificate": pem.decode("latin-1")}


@dataclass(frozen=True, slots=True)
class _Reply:
    """What MSAL wants to know of a reply."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise requests.HTTPError(f"HTTP {self.status_code}")


class _Http:
    """What MSAL asks through: the token service's origin alone, no proxies or redirects, bounded in time and size.

    `status`: of the last reply; 0 before there is one, None while it is not complete.
    """

    def __init__(self, base: str, ca_file: Path | None) -> None:
        self._origin = urlsplit(base)[:2]
        self._session = requests.Session()
        # REQUESTS_CA_BUNDLE in the environment would win over `verify`
        self._session.trust_env = False
        paths = ssl.get_default_verify_paths()
        self._session.verify = str(ca_file) if ca_file else paths.cafile or paths.capath or True
        self.status: int | None = 0

    def get(self, url: str, **asked: Any) -> _Reply:
        return self._ask("GET", url, asked)

    def post(self, url: str, **asked: Any) -> _Reply:
        return self._ask("POST", url, asked)

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, url: str, asked: Mapping[str, Any]) -> _Reply:
        if urlsplit(url)[:2] != self._origin:
            raise Fault("malformed", "The token service names another host. Check MAILFLOW_LOGIN_URL.")
        self.status = 0
        with self._session.request(
            method,
            url,
            params=asked.get("params"),
            data=asked.get("data"),
            headers={**(asked.get("headers") or {}), "Accept-Encoding": "identity"},
            timeout=SOCKET_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            self.status = None
            body = _read(response, time.monotonic() + SECONDS)
            self.status = response.status_code
            return _Reply(response.status_code, body.decode("utf-8", "replace"), response.headers)


def _read(response: requests.Response, until: float) -> bytes:
    """What is compressed against our wish stays so. A thread cannot be stopped from outside, so it looks at the clock itself."""
    body = bytearray()
    while piece := response.raw.read1(65536, decode_content=False):
        body += piece
        if len(body) > MAX_REPLY:
            raise Fault("malformed", "The token service sends more than any token needs. Check MAILFLOW_LOGIN_URL.")
        if time.monotonic() > until:
            raise requests.Timeout
    return bytes(body)


def _innermost(error: BaseException) -> BaseException:
    """The reason that requests and urllib3 wrapped, several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
