"""From a question to its end in Slack, whatever happens: the one place where errors end."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot import metrics
from bot.news import owed
from bot.slack import question as inquiries
from bot.slack.access import Admission, Doors
from bot.slack.blockkit import messages, modals
from bot.slack.blockkit.blocks import Block
from bot.slack.blockkit.buttons import changes_a_tenant
from bot.slack.conversation_ref import load
from bot.slack.inbound import file_download, thread_context
from bot.slack.inbound.payloads import Click
from bot.slack.inflight import Ledger
from bot.slack.outbound import redelivery
from bot.slack.outbound.delivery import Delivery, Undelivered, news_for, replace_message
from bot.slack.outbound.rate_limit import Pace
from bot.slack.outbound.views import SETTLED, Forms, NotOpened
from bot.slack.question import Inquiry
from bot.slack.tasks import Tasks
from bot.slack.transport.client import Slack
from commands import run, words
from commands.command import CommandError, Services
from commands.registry import VERBS, find
from commands.reply import Progress, Reply, Tell
from commands.request import Request
from commands.turns import FairQueue, Party
from diagnostics.store import Answer

log = logging.getLogger("mailflow.slack")

FEW = 4  # questions at once that hold files, one a person: those of many would fill the memory
DOUBT = (1.0, 2.0, 4.0, 8.0)  # seconds between looks at who asks, while Slack answers other calls
GRACE = 0.25  # an answer that is there by then (help, a mistyped word) needs no parent
_SPENT = "mailflow ended twice while it was answering this, so it has given up. Ask again, for fewer targets at once."
_FORGOTTEN = "mailflow was stopped while answering this. It keeps nobody's text, so it has to be given once more: ask again."
_SHARED = "Others read this channel, so nothing is changed from here. Use a channel of your own organisation."
_ALONE = "Nobody else reads a direct message, so nobody could approve it. Ask for it in a channel."


@dataclass(frozen=True, slots=True)
class Front:
    """One workspace, and all that answering in it needs."""

    slack: Slack
    services: Services
    doors: Doors
    ledger: Ledger
    pace: Pace
    tasks: Tasks
    few: FairQueue = field(default_factory=lambda: FairQueue(FEW, each=1))

    async def ask(self, inquiry: Inquiry, trigger: str = "") -> None:
        """Answer one question, if it was not asked before; with a form for the text that it lacks, where a trigger opens one."""
        if trigger and inquiry.lacks_text:
            await self._open(trigger, modals.to_paste(inquiry.place), inquiry)
        elif await self.ledger.begin(inquiry.id, inquiry.place, inquiry.dump()):
            await self._answer(inquiry)

    async def click(self, click: Click) -> None:
        """Answer a click: a form for the clicker alone, or a new reply in the thread."""
        if click.choice is None:
            await self._dead_click(click.inquiry)
        elif click.choice.verb.shows == "form":
            await self._form(click)
        else:
            await self.ask(click.inquiry)

    def again(self, answer: Answer) -> asyncio.Task[None] | None:
        """Go on with an answer that another process, or this one before its restart, did not finish. None: not now."""
        if not self.tasks.open:
            return None
        if (reply := owed(answer)) is not None:
            return self.tasks.spawn(self._owed(answer, reply), "news")
        try:
            inquiry = inquiries.read(answer.id, answer.place, answer.request)
        except ValueError:
            log.exception("an unfinished answer cannot be read")
            return self.tasks.spawn(self.ledger.finished(answer.id), "unreadable answer")
        return self.tasks.spawn(self._again(inquiry, spent=answer.spent), "answer")

    async def tell(self, place: str, reply: Reply) -> None:
        """Later news for a place that a Request carried. Raises Undelivered when it may be tried again."""
        delivery = await self._news_for(place)
        if delivery is not None and not await delivery.finish(reply):
            raise Undelivered("Slack took a message in no way")

    async def _news_for(self, place: str) -> Delivery | None:
        try:
            alone, _ = await self.doors.seclusion(load(place).channel)
            return news_for(self.slack, self.pace, place, alone=alone)
        except ValueError:
            log.exception("news for a place that cannot be read")
            return None

    # ---- one answer

    async def _owed(self, answer: Answer, reply: Reply) -> None:
        """What a watch found, and its process did not live to tell."""
        self.ledger.took(answer.id)
        try:
            delivery = None if answer.spent else await self._news_for(answer.place)
            if delivery is None or await self._delivered(delivery, reply):
                await self.ledger.finished(answer.id)
        finally:
            self.ledger.dropped(answer.id)

    async def _again(self, inquiry: Inquiry, *, spent: bool) -> None:
        self.ledger.took(inquiry.id)
        if not (spent or inquiry.forgotten):
            await self._answer(inquiry)
            return
        try:
            if await self._given_up(Delivery(self.slack, inquiry.place, self.pace), _FORGOTTEN if inquiry.forgotten else _SPENT):
                await self.ledger.finished(inquiry.id)
        finally:
            self.ledger.dropped(inquiry.id)

    async def _answer(self, inquiry: Inquiry) -> None:
        """From admission to the end. Whatever happens, the person is told, or the answer is left to whoever takes it over."""
        delivery = Delivery(self.slack, inquiry.place, self.pace)
        try:
            admission = await self._admitted(inquiry)
            delivery = self._delivery(inquiry, admission)
            if await self._work(inquiry, admission, delivery):
                await self.ledger.finished(inquiry.id)
        except asyncio.CancelledError:
            if not self.ledger.survives(inquiry.id):
                await delivery.give_up("mailflow was stopped before this was answered. Ask again in a minute.")
            raise
        except Exception:
            said = f"mailflow failed while answering, so nothing is said about your mail: error {_logged()}."
            await self._given_up(delivery, said)
            await self._told_in_form(inquiry, run.mistake(said, 3))
            await self.ledger.finished(inquiry.id)
        finally:
            # a lease is renewed for as long as somebody works on it, and no longer
            self.ledger.dropped(inquiry.id)

    async def _admitted(self, inquiry: Inquiry) -> Admission:
        """Slack is asked again while it fails to say who asks: a refusal for that would be an answer that is lost."""
        admission = await self.doors.admit(inquiry.place, shared=inquiry.shared)
        for pause in DOUBT:
            if not admission.in_doubt:
                break
            if await self.slack.answers():
                await asyncio.sleep(pause)
            else:
                await redelivery.over(self.slack)
            admission = await self.doors.admit(inquiry.place, shared=inquiry.shared)
        return admission

    async def _delivered(self, delivery: Delivery, reply: Reply) -> bool:
        """Whether the answer is at its end: taken, or refused for good in every way."""
        return await self._taken(delivery, lambda again: delivery.finish(reply, again=again))

    async def _given_up(self, delivery: Delivery, said: str) -> bool:
        return await self._taken(delivery, lambda again: delivery.give_up(said, again=again))

    async def _taken(self, delivery: Delivery, attempt: Callable[[bool], Awaitable[bool]]) -> bool:
        taken = await redelivery.until_taken(delivery, attempt)
        if delivery.left_running and self.tasks.open:
            self.tasks.spawn(redelivery.until_ended(delivery), "end of a parent")
        return taken or not delivery.unfinished

    async def _work(self, inquiry: Inquiry, admission: Admission, delivery: Delivery) -> bool:
        """Whether the answer is at its end."""
        work = asyncio.ensure_future(self._reply(inquiry, admission, delivery))
        try:
            await asyncio.wait({work}, timeout=GRACE)
            if not work.done():
                await delivery.begin(work.done)
            reply = await work
            if reply.audience == "asker" and await self._told_in_form(inquiry, reply):
                reply = replace(reply, audience="nobody")
            ended = await self._delivered(delivery, reply)
            await self._spend(inquiry, reply)
            return ended
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
        if _comes_back(inquiry) and not inquiry.place.inline:
            # it reports to its thread later, so the thread must be there first
            await delivery.begin()
        # what a fix tells later comes by the clock; whoever clicked here did not ask for it
        place = delivery.address(asked=_comes_back(inquiry))
        reply = await self._run(inquiry, admission, place, delivery.tell)
        metrics.count(reply)
        return reply

    async def _run(self, inquiry: Inquiry, admission: Admission, place: str, tell: Tell) -> Reply:
        if admission.actor is None:
            return run.mistake(admission.refusal, 1)
        try:
            if inquiry.means_above:
                inquiry = await thread_context.read(self.slack, inquiry)
            line = inquiry.words or words.split(inquiry.text)
        except thread_context.Unread as unread:
            return unread.reply
        except CommandError as error:
            return run.mistake(str(error), error.exit_code)
        if why := self._not_here(inquiry, admission):
            return run.mistake(why, 1)
        reads = inquiry.command is not None and inquiry.command.text
        async with self.few.turn(Party(admission.actor.id)) if reads and inquiry.files else nullcontext():
            files = await file_download.fetched(self.slack, inquiry.files) if reads else ()
            request = Request(line, admission.actor, place, clicked=bool(inquiry.words), files=files)
            return await run.run(request, self.services, tell, prefix=inquiry.prefix)

    def _not_here(self, inquiry: Inquiry, admission: Admission) -> str:
        """Why a click on what changes a tenant does not count in this place."""
        command = find(inquiry.words[0]) if inquiry.words else None
        if command is None or not changes_a_tenant(command):
            return ""
        if admission.secluded:
            return _SHARED
        asks = command.name in ("fix", "ask")
        return _ALONE if asks and inquiry.place.direct and self.services.fixes.approvals else ""

    # ---- what was clicked

    async def _told_in_form(self, inquiry: Inquiry, reply: Reply) -> bool:
        """What is for the asker alone stands in the form that was sent, where there is one and it is open still."""
        if inquiry.used is None or not inquiry.used.view:
            return False
        title = inquiry.place.line
        return await self._forms.show(inquiry.used.view, modals.filled(title, reply, inquiry.place), after=SETTLED)

    async def _spend(self, inquiry: Inquiry, reply: Reply) -> None:
        """The buttons of the message that was clicked go; the first who used them stands there. A form says where to look."""
        used = inquiry.used
        if used is None:
            return
        if used.view and reply.audience == "thread":
            view = modals.said(inquiry.place.line, f"{reply.headline}. Go on in the thread{_press(reply)}.")
            await self._forms.show(used.view, view, after=SETTLED)
        if used.ts and reply.spent and await self.ledger.claim("spent", f"s-{used.channel}-{used.ts}"):
            message = messages.spent(used.text, used.blocks, reply.spent, inquiry.place.user, datetime.now(UTC))
            await replace_message(self.slack, self.pace, used.channel, used.ts, message)

    # ---- forms, and clicks that mean nothing

    @property
    def _forms(self) -> Forms:
        return Forms(self.slack)

    async def _form(self, click: Click) -> None:
        """Open at once, since the trigger dies in 3 seconds; fill when the answer is there."""
        if click.choice is None:
            return
        command = click.inquiry.command
        if command is not None and command.text:
            await self._open(click.trigger, modals.to_paste(click.inquiry.place), click.inquiry)
            return
        title = click.choice.verb.label
        if view_id := await self._open(click.trigger, modals.waiting(title), click.inquiry):
            await self._forms.show(view_id, await self._filled(title, click.inquiry))

    async def _open(self, trigger: str, view: Block, inquiry: Inquiry) -> str:
        """The form's id; "" where it is open already, or where the person was told that it could not be opened."""
        if not await self.ledger.claim("trigger", inquiry.id):
            return ""
        try:
            return await self._forms.open(trigger, view)
        except NotOpened as error:
            if error.again:
                delivery = Delivery(self.slack, inquiry.place, self.pace, alone="The form could not be opened.")
                await delivery.give_up("Slack did not open the form in time. Try once more.")
            return ""

    async def _filled(self, title: str, inquiry: Inquiry) -> Block:
        """The form with its answer, whatever becomes of that."""
        try:
            admission = await self.doors.admit(inquiry.place)
            reply = await self._run(inquiry, admission, inquiry.place.lasting(), _no_progress)
            return modals.filled(title, reply, inquiry.place)
        except Exception:
            return modals.said(title, f"mailflow failed at this itself: error {_logged()}.")

    async def _dead_click(self, inquiry: Inquiry) -> None:
        if await self.ledger.claim("trigger", inquiry.id):
            delivery = Delivery(self.slack, inquiry.place, self.pace, alone="Nothing was done.")
            await delivery.give_up("mailflow does not know that button (any more). Check the target again.")


def _comes_back(inquiry: Inquiry) -> bool:
    """What Slack alone has, the terminal not, needs a place to come back to."""
    return inquiry.command is not None and inquiry.command.front == "slack"


def _press(reply: Reply) -> str:
    """Which button there goes on with it, where nothing else does: what is known to clicks alone."""
    given = {action.verb for action in reply.actions}
    pressed = [v.label for v in VERBS if v.name in given and (command := find(v.words[0])) and command.front == "click"]
    return f": press {pressed[0]} there" if pressed else ""


def _no_progress(_progress: Progress) -> None:
    pass


def _logged() -> str:
    """The number under which the log has the current exception."""
    number = "e-" + secrets.token_hex(3)
    log.exception("internal error %s while answering", number)
    return number
