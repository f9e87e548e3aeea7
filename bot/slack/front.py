"""From a question to its end in Slack, whatever happens: the one place where errors end."""

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

from bot import metrics
from bot.news import owed
from bot.slack import modals
from bot.slack.client import FAILURES, Slack, error_code, noted
from bot.slack.deliver import Delivery, Undelivered, tell_place
from bot.slack.identity import Admission, Doors
from bot.slack.intake import COMMAND, Click, Inquiry
from bot.slack.ledger import Ledger
from bot.slack.pace import Pace
from bot.slack.place import load
from bot.slack.tasks import Tasks
from commands import run, words
from commands.command import CommandError, Services
from commands.registry import find
from commands.reply import Progress, Reply
from commands.request import Request
from diagnostics.store import Answer

log = logging.getLogger("mailflow.slack")

GRACE = 0.25  # an answer that is there by then (help, a mistyped word) needs no parent
_VIEW = 20.0  # seconds for filling a form, 429 waited out


@dataclass(frozen=True, slots=True)
class Front:
    """One workspace, and all that answering in it needs."""

    slack: Slack
    services: Services
    doors: Doors
    ledger: Ledger
    pace: Pace
    tasks: Tasks

    async def ask(self, inquiry: Inquiry) -> None:
        """Answer one question, if it was not asked before."""
        request = json.dumps({"text": inquiry.text, "prefix": inquiry.prefix, "shared": inquiry.shared})
        if await self.ledger.begin(inquiry.id, inquiry.place, request):
            await self._answer(inquiry)

    async def click(self, click: Click) -> None:
        """Answer a click: a form for the clicker alone, or a new reply in the thread."""
        if click.choice is None:
            await self._dead_click(click.inquiry)
        elif click.choice.verb.shows == "form":
            await self._form(click)
        else:
            await self.ask(click.inquiry)

    def again(self, answer: Answer) -> None:
        """Go on with an answer that another process, or this one before its restart, did not finish."""
        if not self.tasks.open:
            return
        if (reply := owed(answer)) is not None:
            self.tasks.spawn(self._owed(answer, reply), "news")
            return
        try:
            asked = json.loads(answer.request)
            place = load(answer.place)
            inquiry = Inquiry(answer.id, str(asked["text"]), place, str(asked["prefix"]), bool(asked["shared"]))
        except (ValueError, KeyError, TypeError):
            log.exception("an unfinished answer cannot be read")
            self.tasks.spawn(self.ledger.finished(answer.id), "unreadable answer")
            return
        self.tasks.spawn(self._again(inquiry, spent=answer.spent), "answer")

    async def tell(self, place: str, reply: Reply) -> None:
        """Later news for a place that a Request carried. Raises Undelivered when it may be tried again."""
        try:
            alone, _ = await self.doors.seclusion(load(place).channel)
        except ValueError:
            log.exception("news for a place that cannot be read")
            return
        await tell_place(self.slack, self.pace, place, reply, alone=alone)

    # ---- one answer

    async def _owed(self, answer: Answer, reply: Reply) -> None:
        """What a watch found, and its process did not live to tell."""
        self.ledger.took(answer.id)
        try:
            if not answer.spent:
                await self.tell(answer.place, reply)
        except Undelivered:
            self.ledger.dropped(answer.id)
        else:
            await self.ledger.finished(answer.id)

    async def _again(self, inquiry: Inquiry, *, spent: bool) -> None:
        self.ledger.took(inquiry.id)
        if spent:
            delivery = Delivery(self.slack, inquiry.place, self.pace)
            await delivery.give_up("mailflow was stopped several times while answering this, so it has given up. Ask again.")
            await self.ledger.finished(inquiry.id)
        else:
            await self._answer(inquiry)

    async def _answer(self, inquiry: Inquiry) -> None:
        """From admission to the end. Whatever happens, the person is told."""
        delivery = Delivery(self.slack, inquiry.place, self.pace)
        try:
            admission = await self.doors.admit(inquiry.place, shared=inquiry.shared)
            delivery = self._delivery(inquiry, admission)
            await self._work(inquiry, admission, delivery)
        except asyncio.CancelledError:
            if self.ledger.survives(inquiry.id):
                self.ledger.dropped(inquiry.id)
            else:
                await delivery.give_up("mailflow was stopped before this was answered. Ask again in a minute.")
            raise
        except Exception:
            await delivery.give_up(f"mailflow failed while answering, so nothing is said about your mail: error {_logged()}.")
        await self.ledger.finished(inquiry.id)

    async def _work(self, inquiry: Inquiry, admission: Admission, delivery: Delivery) -> None:
        work = asyncio.ensure_future(self._reply(inquiry, admission, delivery))
        try:
            await asyncio.wait({work}, timeout=GRACE)
            if not work.done():
                await delivery.begin(work.done)
            await delivery.finish(await work)
        finally:
            work.cancel()
            await asyncio.wait({work})

    def _delivery(self, inquiry: Inquiry, admission: Admission) -> Delivery:
        async def posted(parent: str) -> None:
            # with a message of its own the answer needs no response_url any more
            await self.ledger.moved(inquiry.id, replace(inquiry.place, parent=parent, response_url=""))

        alone, buttons = admission.alone, not admission.secluded
        return Delivery(self.slack, inquiry.place, self.pace, alone=alone, buttons=buttons, posted=posted)

    async def _reply(self, inquiry: Inquiry, admission: Admission, delivery: Delivery) -> Reply:
        if admission.actor is None:
            return run.mistake(admission.refusal, 1)
        try:
            line = words.split(inquiry.text)
        except CommandError as error:
            return run.mistake(str(error), error.exit_code)
        if _comes_back(line) and not inquiry.place.inline:
            # it reports to its thread later, so the thread must be there first
            await delivery.begin()
        request = Request(line, admission.actor, delivery.address)
        reply = await run.run(request, self.services, delivery.tell, prefix=inquiry.prefix)
        metrics.count(reply)
        return reply

    # ---- forms, and clicks that mean nothing

    async def _form(self, click: Click) -> None:
        """Open at once, since the trigger dies in 3 seconds; fill when the answer is there."""
        if click.choice is None or not await self.ledger.claim("trigger", click.inquiry.id):
            return
        title = click.choice.verb.label
        try:
            opened = await self.slack.once.views_open(trigger_id=click.trigger, view=modals.waiting(title))
            view_id = str(opened["view"]["id"])
        except FAILURES as error:
            noted("views.open", error)
            if error_code(error) != "exchanged_trigger_id":
                delivery = Delivery(self.slack, click.inquiry.place, self.pace, alone="The form could not be opened.")
                await delivery.give_up("Slack did not open the form in time. Click again.")
            return
        try:
            view = modals.filled(title, await self._form_reply(click.inquiry))
        except Exception:
            view = modals.failed(title, f"mailflow failed at this itself: error {_logged()}.")
        await self._fill(view_id, view)

    async def _form_reply(self, inquiry: Inquiry) -> Reply:
        admission = await self.doors.admit(inquiry.place)
        if admission.actor is None:
            return run.mistake(admission.refusal, 1)
        request = Request(words.split(inquiry.text), admission.actor)
        return await run.run(request, self.services, _no_progress, prefix=COMMAND)

    async def _fill(self, view_id: str, view: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(_VIEW):
                await self.slack.sure.views_update(view_id=view_id, view=view)
        except FAILURES as error:
            # closed by the person, or Slack is away: the button is still there
            noted("views.update", error)
            log.warning("a form could not be filled: %s", error_code(error) or type(error).__name__)

    async def _dead_click(self, inquiry: Inquiry) -> None:
        if await self.ledger.claim("trigger", inquiry.id):
            delivery = Delivery(self.slack, inquiry.place, self.pace, alone="Nothing was done.")
            await delivery.give_up("mailflow does not know that button (any more). Check the target again.")


def _comes_back(line: tuple[str, ...]) -> bool:
    """What Slack alone has, the terminal not, needs a place to come back to."""
    command = find(line[0].lower()) if line else None
    return command is not None and command.front == "slack"


def _no_progress(_progress: Progress) -> None:
    pass


def _logged() -> str:
    """The number under which the log has the current exception."""
    number = "e-" + secrets.token_hex(3)
    log.exception("internal error %s while answering", number)
    return number
