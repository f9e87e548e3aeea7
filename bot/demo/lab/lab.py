"""The lab: a world, running. DNS and mail servers on loopback, files for the settings, a record of all that came."""

import asyncio
import contextlib
import difflib
import errno
import json
import random
import socket
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.demo.lab.answers import MISBEHAVIOURS
from bot.demo.lab.certificates import ca_pem
from bot.demo.lab.contexts import Contexts
from bot.demo.lab.mailserver import BEHAVIOURS, BLACK_HOLE, BlackHole, Mail, MailServer, bind
from bot.demo.lab.nameserver import NameServer
from bot.demo.lab.world import World, WorldError

PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to clients: a client on the very port that it connects to would talk to itself."""

TRIES = 50


class Lab:
    """`async with Lab(world, folder) as lab:` starts everything; leaving it leaves no socket and no task behind.

    Only loopback addresses are used, unless `anywhere` says that this network is a closed one. Raises WorldError for a
    world that cannot be run, OSError when an address is not to be had on this machine.
    """

    def __init__(self, world: World, folder: Path, *, smtp_port: int | None = None, anywhere: bool = False) -> None:
        _check(world, anywhere=anywhere)
        self._world = world
        self._folder = folder
        self._wanted_port = smtp_port
        self._servers: dict[str, MailServer | BlackHole] = {}
        self._stack = contextlib.AsyncExitStack()
        self._names = NameServer(world)
        self.smtp_port = 0
        self.dns = ""
        self.ca_file = folder / "ca.pem"
        self.connectors_file = folder / "connectors.json"
        self.accepted_domains_file = None if world.accepted_domains is None else folder / "accepted-domains.json"

    @property
    def title(self) -> str:
        return self._world.title

    @property
    def expect(self) -> list[Mapping[str, Any]]:
        """What a check of this world shall say, as the world has it."""
        return list(self._world.expect)

    @property
    def check(self) -> Mapping[str, Any]:
        """Options for whoever runs the check, as the world has them."""
        return self._world.check

    @property
    def mail(self) -> dict[str, Mail]:
        """What came to each address that has a server."""
        return {address: server.mail for address, server in self._servers.items()}

    @property
    def queries(self) -> Mapping[tuple[str, str], int]:
        """How often each (name, type) was asked for."""
        return self._names.queries

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        self._write_files()
        stack.push_async_callback(self._names.stop)
        await self._names.start()
        self.dns = f"127.0.0.1:{self._names.port}"
        hosts = {host.address: host for host in self._world.mail}
        silent = [address for address in self._world.addresses() if address not in hosts and ip_address(address).is_loopback]
        sockets = stack.enter_context(contextlib.ExitStack())
        self.smtp_port, bound = _bind_all(tuple(hosts), silent, self._wanted_port, sockets)
        contexts = Contexts(self._folder)
        for address, host in hosts.items():
            if host.behaviour == BLACK_HOLE:
                self._servers[address] = BlackHole(bound[address])
            else:
                self._servers[address] = MailServer(host, self._world.names_of(address), bound[address], contexts)
            stack.push_async_callback(self._servers[address].stop)
        await asyncio.gather(*(server.start() for server in self._servers.values()))

    def _write_files(self) -> None:
        self.ca_file.write_bytes(ca_pem())
        self.connectors_file.write_text(_exported(self._world.connectors), encoding="utf-8")
        if self.accepted_domains_file:
            self.accepted_domains_file.write_text(_exported(self._world.accepted_domains or ()), encoding="utf-8")


def _exported(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as ConvertTo-Json prints them: one object when there is but one."""
    return json.dumps(rows[0] if len(rows) == 1 else rows, indent=2, ensure_ascii=False)


def _check(world: World, *, anywhere: bool) -> None:
    """Names and addresses that only the servers can judge. Raises WorldError."""
    for host in world.mail:
        _one_of(f'mail."{host.address}": behaviour', host.behaviour, (*BEHAVIOURS, BLACK_HOLE))
        for behaviour in host.turns:
            _one_of(f'mail."{host.address}": turns', behaviour, BEHAVIOURS)
        if not anywhere and not ip_address(host.address).is_loopback:
            raise WorldError(f'mail."{host.address}": only loopback addresses may listen')
    for name, answers in world.dns.items():
        for answer in answers:
            for behaviour in answer.behaviours.values():
                _one_of(f'dns."{name}": misbehaviour', behaviour, MISBEHAVIOURS)
    for address in () if anywhere else world.addresses():
        if ip_address(address).is_global:
            raise WorldError(f"dns: {address} is an address of the real world")


def _one_of(place: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        near = difflib.get_close_matches(word, known, 3) or sorted(known)
        raise WorldError(f"{place} {word!r} is not known; near are {', '.join(near)}")


def _bind_all(
    listening: Sequence[str], silent: Sequence[str], wanted: int | None, stack: contextlib.ExitStack
) -> tuple[int, dict[str, socket.socket]]:
    """One port on all addresses, which the stack closes. It is bound on the silent ones too, lest others come to listen there."""
    for attempt in range(1, TRIES + 1):
        port = wanted or random.choice(PORTS)  # noqa: S311 (no secret)
        with contextlib.ExitStack() as held:
            try:
                bound = {address: held.enter_context(bind(address, port, again=wanted is not None)) for address in listening}
                for address in silent:
                    _reserve(address, port, held)
            except OSError as error:
                if wanted or attempt == TRIES or error.errno != errno.EADDRINUSE:
                    raise
                continue
            stack.enter_context(held.pop_all())
            return port, bound
    raise AssertionError("unreachable")


def _reserve(address: str, port: int, held: contextlib.ExitStack) -> None:
    """A machine without IPv6 needs no reservation of ::1."""
    try:
        held.enter_context(bind(address, port))
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise
