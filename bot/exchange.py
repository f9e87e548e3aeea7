"""Settings → Exchange Online: one app registration reads, another one writes. Imports stand inside: few commands need them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.settings import Settings
from commands.command import CommandError

if TYPE_CHECKING:
    from diagnostics.connectors.access_token import App
    from diagnostics.connectors.source import Admin, Tenant

READ, WRITE = "MAILFLOW_EXCHANGE", "MAILFLOW_EXCHANGE_FIX"


@asynccontextmanager
async def open_exchange(settings: Settings) -> "AsyncIterator[tuple[Tenant | None, Admin | None]]":
    """Who reads the tenant, and who writes it; None where no credentials are set. Raises CommandError that names the setting."""
    reads = _app(READ, settings, settings.exchange_client_id, settings.exchange_client_secret, settings.exchange_certificate)
    writes = _app(
        WRITE, settings, settings.exchange_fix_client_id, settings.exchange_fix_client_secret, settings.exchange_fix_certificate
    )
    if reads is None:
        if writes is not None:
            raise CommandError(f"{WRITE}_CLIENT_ID is set, {READ}_CLIENT_ID is not: an app that reads is needed as well.")
        yield None, None
        return
    from diagnostics.connectors.exchange_admin import ExchangeAdmin
    from diagnostics.connectors.exchange_online import ExchangeOnline
    from diagnostics.connectors.source import SourceError

    bases = (settings.login_url, settings.exchange_url, settings.exchange_ca_file)
    async with AsyncExitStack() as stack:
        try:
            tenant = ExchangeOnline(reads, *bases)
            stack.push_async_callback(tenant.close)
            admin = ExchangeAdmin(writes, *bases) if writes else None
            if admin:
                stack.push_async_callback(admin.close)
        except SourceError as error:
            raise CommandError(str(error)) from None
        yield tenant, admin


def _app(prefix: str, settings: Settings, id: str | None, secret: SecretStr | None, certificate: Path | None) -> "App | None":
    """None where nothing of it is set. Raises CommandError for half of it."""
    if id is None and secret is None and certificate is None:
        return None
    if id is None:
        raise CommandError(f"{prefix}_CLIENT_ID is missing: name the app registration that the secret or certificate belongs to.")
    if (secret is None) == (certificate is None):
        raise CommandError(f"{prefix}_CLIENT_SECRET or {prefix}_CERTIFICATE: one of the two is needed, and only one.")
    if settings.exchange_tenant is None:
        raise CommandError(
            "MAILFLOW_EXCHANGE_TENANT is missing: the tenant's Guid or its domain, such as contoso.onmicrosoft.com."
        )
    from diagnostics.connectors.access_token import App

    return App(settings.exchange_tenant, id, secret.get_secret_value() if secret else None, certificate)
