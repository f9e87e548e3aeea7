"""Settings → Services: the one place that names concrete classes. Imports stand inside, so that each front loads its own."""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.host_port import host_port
from bot.settings_sources import data_folder
from commands.command import CommandError, FixRules, Services

if TYPE_CHECKING:
    import asyncio

    from bot.settings import Settings
    from diagnostics.durable import Durable, Handler
    from diagnostics.store import Store
    from diagnostics.tools import Tools


@asynccontextmanager
async def open_services(settings: "Settings", *, remembering: bool = False, probing: bool = True) -> AsyncIterator[Services]:
    """Services for one event loop, closed at the end. Raises CommandError that names the setting and the mend.

    `remembering`: there is a store in the user's data directory when no database is named (contract 2). Without `probing` what
    probes is made when it is needed, and what is wrong with its settings is told then.
    """
    from bot.exchange import open_exchange
    from commands.allowance import Allowance
    from commands.result_cache import Memory
    from diagnostics.connectors.export_file import ExportFile

    async with AsyncExitStack() as stack:
        toolbox = await stack.enter_async_context(_toolbox(settings))
        if probing:
            toolbox()
        store = await stack.enter_async_context(_store(settings, remembering=remembering))
        tenant, admin = await stack.enter_async_context(open_exchange(settings))
        yield Services(
            connectors=tenant or ExportFile(settings.connectors, settings.accepted_domains),
            toolbox=toolbox,
            allowance=Allowance(),
            memory=Memory(store),
            store=store,
            tenant=tenant,
            admin=admin,
            fixes=FixRules(
                settings.fix_terminal,
                tuple(sorted(settings.fix_verify_after)),
                settings.fix_approvers,
                settings.fix_approvals,
                settings.fix_plan_ttl,
            ),
        )


@asynccontextmanager
async def fresh_ranges(settings: "Settings", tools: "Tools", ready: "asyncio.Event") -> AsyncIterator[None]:
    """Once `ready`, Microsoft's list of addresses is read anew in the background. Nothing waits for it, and it may never come."""
    import asyncio

    from diagnostics.catalogue import load
    from diagnostics.endpoints import SHIPPED, Ranges
    from diagnostics.endpoints.service import keep_fresh

    def take(ranges: Ranges) -> None:
        tools.catalogue = load(ranges)

    async def refresh() -> None:
        await ready.wait()
        await keep_fresh(settings.endpoints_url, SHIPPED, take)

    task = asyncio.create_task(refresh()) if settings.endpoints_url else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def bare_services() -> Services:
    """Services where nothing is set: nothing is known, kept or probed, so they need no event loop either."""
    from commands.allowance import Allowance
    from diagnostics.connectors.none import NoConnectors

    def nothing() -> "Tools":
        raise RuntimeError("nothing is probed where nothing was opened")

    return Services(connectors=NoConnectors(), toolbox=nothing, allowance=Allowance())


@asynccontextmanager
async def _toolbox(settings: "Settings") -> "AsyncIterator[Callable[[], Tools]]":
    made: list[Tools] = []

    def tools() -> "Tools":
        if not made:
            made.append(_tools(settings))
        return made[0]

    try:
        yield tools
    finally:
        for each in made:
            await each.instruments.close()
            await each.instruments.resolver.close()


def _tools(settings: "Settings") -> "Tools":
    """What probes. Raises CommandError for a setting that cannot be right."""
    from diagnostics.net.guard import Guard
    from diagnostics.probes.control import ControlHost
    from diagnostics.probes.instruments import Instruments, Limits
    from diagnostics.probes.resolver import Resolver
    from diagnostics.probes.trust import TrustFault, TrustStore
    from diagnostics.tools import Tools

    trust = TrustStore(settings.ca_file)
    if settings.ca_file:
        try:
            trust.store  # noqa: B018 - a file that cannot be read must be told before any check
        except TrustFault as fault:
            raise CommandError(f"--ca-file (MAILFLOW_CA_FILE): {fault}.") from None
    resolver = Resolver(_servers(settings), settings.timeout)
    limits = Limits(
        timeout=settings.timeout,
        deadline=settings.deadline,
        concurrency=settings.concurrency,
        smtp_port=settings.smtp_port,
        ehlo_name=_ehlo_name(settings),
    )
    guard = Guard(settings.allow_nets, settings.allow_private, _own_listeners(settings))
    instruments = Instruments(resolver, guard, trust, limits)
    return Tools(instruments, ControlHost(_control_host(settings), instruments) if settings.control_host else None)


@asynccontextmanager
async def _store(settings: "Settings", *, remembering: bool) -> "AsyncIterator[Store | None]":
    if settings.database_url is None and not remembering:
        yield None
        return
    from diagnostics.store import StoreFault
    from diagnostics.store.opening import open_store

    url, folder = _database(settings)
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_store(url, data_dir=folder))
        except StoreFault as fault:
            raise CommandError(str(fault), passing=fault.passing) from None
        yield store


@asynccontextmanager
async def open_jobs(settings: "Settings", handlers: "Mapping[str, Handler]") -> "AsyncIterator[Durable]":
    """Jobs beside the store, which is open already. Raises CommandError."""
    from diagnostics.durable import DurableUnavailable
    from diagnostics.durable.open_engine import open_durable

    url, folder = _database(settings)
    async with AsyncExitStack() as stack:
        try:
            jobs = await stack.enter_async_context(open_durable(url, data_dir=folder, handlers=handlers))
        except DurableUnavailable as error:
            said = f"MAILFLOW_DATABASE_URL: the jobs cannot be opened: {error}."
            raise CommandError(said, passing=error.passing) from None
        yield jobs


def _database(settings: "Settings") -> tuple[str | None, Path | None]:
    """The URL of the database, or the folder for a file of our own. Raises CommandError."""
    if settings.database_url:
        return settings.database_url.get_secret_value(), None
    return None, _data_folder()


def _data_folder() -> Path:
    if (folder := data_folder()) is None:
        raise CommandError("There is no home directory to keep the store in: set MAILFLOW_DATABASE_URL or XDG_DATA_HOME.")
    return folder


def _own_listeners(settings: "Settings") -> frozenset[tuple[str, int]]:
    """(address, port) of what `serve` opens; an address that stands for all of them counts as this machine's loopback."""
    found = set()
    for text in (settings.http_address, settings.ops_address):
        with suppress(ValueError):  # off, or not set; what is no address is refused where it is opened
            host, port = host_port(text)
            hosts = ("127.0.0.1", "::1") if host in ("0.0.0.0", "::", "localhost") else (host,)  # noqa: S104
            found |= {(name, port) for name in hosts}
    return frozenset(found)


def _servers(settings: "Settings") -> list[tuple[str, int]]:
    """(address, port) of each resolver. Raises CommandError."""
    if settings.dns:
        return [_server(text) for text in settings.dns]
    from dns.resolver import NoResolverConfiguration
    from dns.resolver import Resolver as SystemResolver

    try:
        system = SystemResolver()
    except NoResolverConfiguration:
        raise CommandError(
            "This machine names no DNS resolver: give one with --dns (MAILFLOW_DNS), for example --dns 192.0.2.53.",
            passing=True,  # the network may come up later than this
        ) from None
    return [(str(server), system.port) for server in system.nameservers if not str(server).startswith("https:")]


def _server(text: str) -> tuple[str, int]:
    """ADDRESS, ADDRESS:PORT, NAME or NAME:PORT. Raises CommandError."""
    from diagnostics.net.names import NameFault, address, host
    from diagnostics.transient import is_transient

    remedy = f"--dns (MAILFLOW_DNS): {text[:80]!r} is no resolver: write HOST or HOST:PORT, with an IPv6 address in brackets."
    try:
        name, port = host_port(text, default=53)
        if not port:
            raise CommandError(remedy)
        literal = address(name)
        found = str(literal) if literal else socket.getaddrinfo(host(name), None, type=socket.SOCK_DGRAM)[0][4][0]
    except (NameFault, ValueError):
        raise CommandError(remedy) from None
    except OSError as error:
        raise CommandError(
            f"--dns (MAILFLOW_DNS): {text[:80]!r} cannot be resolved: {error.strerror}. Write its address.",
            passing=is_transient(error),
        ) from None
    return str(found), port


def _ehlo_name(settings: "Settings") -> str:
    """The name given in EHLO: the setting, else this machine's (RFC 5321 section 4.1.4 wants one that can be resolved)."""
    from diagnostics.net.names import NameFault, host

    if settings.ehlo_name is None:
        try:
            return host(socket.getfqdn())
        except NameFault:
            return "localhost"
    try:
        return host(settings.ehlo_name)
    except NameFault as fault:
        raise CommandError(f"--ehlo-name (MAILFLOW_EHLO_NAME): {fault}") from None


def _control_host(settings: "Settings") -> str:
    from diagnostics.net.names import NameFault, address, host

    try:
        literal = address(settings.control_host)
        return str(literal) if literal else host(settings.control_host)
    except NameFault as fault:
        raise CommandError(f"--control-host (MAILFLOW_CONTROL_HOST): {fault}") from None
