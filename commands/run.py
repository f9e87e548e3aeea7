"""The one way in: a Request becomes a Reply, whatever happens. Both fronts, every click and every schedule come through here."""

import importlib
from collections.abc import Awaitable, Callable
from typing import cast

from commands import help as helping
from commands import words
from commands.command import Call, Command, CommandError, Services
from commands.mistake import internal_error
from commands.registry import find, on
from commands.reply import Reply, Tell
from commands.request import Front, Request
from diagnostics.mailboxes import without_mailboxes

Runner = Callable[[Call, Request, Services, Tell], Awaitable[Reply]]


async def run(request: Request, services: Services, tell: Tell, *, prefix: str = "/mailflow") -> Reply:
    """Find the command, check the role, charge what it costs, call it. Never raises, except when cancelled.

    `prefix` is what the front's users type before a command, for help and examples.
    """
    try:
        command, call = parse(request.words, prefix=prefix, front=request.front)
        if isinstance(call, Reply):
            return call
        if command.role not in request.actor.roles:
            raise CommandError(f"You may not run {command.name} here.", exit_code=1)
        if "owner" not in request.actor.roles and command.cost:
            services.allowance.spend(request.actor.id, command.cost)
        return await _runner(command)(call, request, services, tell)
    except CommandError as error:
        return mistake(str(error), error.exit_code)
    except Exception:
        number = internal_error(f"running {request.words[:1]}")
        return mistake(f"mailflow failed at this itself, so nothing is said about your mail: internal error {number}.", 3)


def parse(line: tuple[str, ...], *, prefix: str, front: Front) -> tuple[Command, Call | Reply]:
    """The row and the Call; for help and for a word that is no command, the Reply itself. Raises CommandError."""
    owner = front == "terminal"
    name, rest = (without_mailboxes(line[0]).lower(), line[1:]) if line else ("help", ())
    command = find(name)
    if command is None or command not in on(front):
        raise CommandError(f"There is no command {name[:80]!r}. {helping.suggestion(owner=owner)}")
    if {"--help", "-h"} & set(rest):
        return command, helping.of(name, prefix, owner=owner)
    call = words.take_apart(command, rest, front=front)
    if name == "help":
        return command, (helping.of(call.words[0], prefix, owner=owner) if call.words else helping.overview(prefix, owner=owner))
    return command, call


def mistake(sentence: str, exit_code: int = 2) -> Reply:
    """An error as a Reply for the asker alone."""
    return Reply(sentence, severity="info", exit_code=exit_code, audience="asker")


def _runner(command: Command) -> Runner:
    module, function = command.run.split(":")
    return cast(Runner, getattr(importlib.import_module(module), function))
