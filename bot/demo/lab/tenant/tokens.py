"""The token service: client credentials by secret or by certificate, both really checked (RFC 6749 section 4.4, RFC 7523)."""

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from bot.demo.lab.certificates import Recipe, issue

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OTHER_TENANT = "99999999-0000-4000-8000-000000000000"
SECONDS = 3599
"""How long Microsoft's tokens for apps live."""


@dataclass(frozen=True, slots=True)
class App:
    """An app registration: what it shows, and the cmdlets that its role lets it run. `may` None: whatever there is."""

    client_id: str
    secret: str = field(repr=False)
    may: frozenset[str] = frozenset()
    certificate: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given out: whose, and until when (time.time)."""

    app: App
    expires: float


class Denial(Exception):
    """HTTP status, error and error_description as the token service writes them."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


class Tokens:
    """Gives tokens to known apps, and knows them again. `tenant`: the Guid in them."""

    def __init__(self, tenant: str, apps: Mapping[str, App]) -> None:
        self.tenant = tenant
        self.apps = dict(apps)
        self.given: dict[str, Token] = {}

    def give(self, form: Mapping[str, Any], endpoint: str, scope: str, *, trouble: str = "") -> dict[str, Any]:
        """The service's reply to a request. Raises Denial."""
        app = self.apps.get(str(form.get("client_id")))
        if app is None:
            raise Denial(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("grant_type") != "client_credentials" or form.get("scope") != scope:
            raise Denial(400, "invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid.")
        if form.get("client_assertion_type") == ASSERTION:
            if not _signed(app, str(form.get("client_assertion")), endpoint):
                raise Denial(401, "invalid_client", "AADSTS700027: The certificate used to sign the assertion is not registered.")
        elif not secrets.compare_digest(str(form.get("client_secret")).encode(), app.secret.encode()):
            raise Denial(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        return TROUBLES.get(trouble, _right)(self, app)

    def made(self, app: App, *, tenant: str = "", seconds: int = SECONDS, opaque: bool = False) -> dict[str, Any]:
        """A token, remembered."""
        expires = time.time() + seconds
        claims = {"tid": tenant or self.tenant, "appid": app.client_id, "exp": int(expires), "jti": secrets.token_hex(8)}
        text = secrets.token_urlsafe(40) if opaque else f"{_packed({'typ': 'JWT', 'alg': 'RS256'})}.{_packed(claims)}.c2ln"
        self.given[text] = Token(app, expires)
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text}

    def known(self, text: str) -> App | None:
        """Whose token that is, while it is valid."""
        token = self.given.get(text)
        return token.app if token and token.expires > time.time() else None

    def certificate(self, client_id: str, file: Path) -> Path:
        """Registers a certificate for the app, and writes it with its key into the file."""
        issued = issue(Recipe(issuer="self", key="rsa"), (f"{client_id}.lab.test",))
        file.touch(mode=0o600)
        file.write_bytes(issued.pem())
        self.apps[client_id] = replace(self.apps[client_id], certificate=issued.chain[0])
        return file


def _right(tokens: Tokens, app: App) -> dict[str, Any]:
    return tokens.made(app)


TROUBLES: Mapping[str, Callable[[Tokens, App], dict[str, Any]]] = {
    "wrong-tenant": lambda tokens, app: tokens.made(app, tenant=OTHER_TENANT),
    "opaque-token": lambda tokens, app: tokens.made(app, opaque=True),
    "short-lived": lambda tokens, app: tokens.made(app, seconds=1),
    "no-token": lambda _tokens, _app: {"token_type": "Bearer", "expires_in": SECONDS},
}
"""What a token can be instead of the right one."""


def _signed(app: App, assertion: str, endpoint: str) -> bool:
    """Whether this app's certificate signed the assertion for this endpoint, and it is in time (RFC 7523 section 3)."""
    try:
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(_bytes(part)) for part in signed.split("."))
        if app.certificate is None or not isinstance(key := app.certificate.public_key(), rsa.RSAPublicKey):
            return False
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        key.verify(_bytes(signature), signed.encode(), pss if header["alg"] == "PS256" else padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, KeyError, TypeError, binascii.Error, InvalidSignature):
        return False
    der = app.certificate.public_bytes(Encoding.DER)
    prints = {hashlib.sha256(der).digest(), hashlib.sha1(der, usedforsecurity=False).digest()}
    shown = _bytes(header.get("x5t#S256") or header.get("x5t") or "")
    return shown in prints and claims["sub"] == app.client_id and claims["aud"] == endpoint and claims["exp"] > time.time()


def _packed(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
