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
from bot.slack import question as questions
from bot.slack.access import Access, Admission
from bot.slack.blockkit import messages, modals
from bot.slack.blockkit.blocks import Block
from bot.slack.blockkit.buttons import changes_a_tenant
from bot.slack.conversation_ref import load
from bot.slack.inbound import file_download, thread_context
from bot.slack.inbound.payloads import Click
from bot.slack.inflight import Inflight
from bot.slack.outbound import redelivery
from bot.slack.outbound.delivery import Delivery, Undelivered, news_for, replace_message
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.outbound.views import SETTLED, Forms, NotOpened
from bot.slack.question import Question
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

MAX_FILE_QUESTIONS = 4  # questions at once that hold files, one a person: those of many would fill the memory
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
    access: Access
    inflight: Inflight
    rate_limit: RateLimit
    tasks: Tasks
    file_slots: FairQueue = field(default_factory=lambda: FairQueue(MAX_FILE_QUESTIONS, each=1))

    async def ask(self, question: Question, trigger: str = "") -> None:
        """Answer one question, if it was not asked before; with a form for the text that it lacks, where a trigger opens one."""
        if trigger and question.lacks_text:
            await self._open(trigger, modals.to_paste(question.place), question)
        elif await self.inflight.begin(question.id, question.place, question.dump()):
            await self._answer(question)

    async def click(self, click: Click) -> None:
        """Answer a click: a form for the clicker alone, or a new reply in the thread."""
        if click.choice is None:
            await self._dead_click(click.question)
        elif click.choice.verb.shows == "form":
            await self._form(click)
        else:
            await self.ask(click.question)

    def again(self, answer: Answer) -> asyncio.Task[None] | None:
        """Go on with an answer that another process, or this one before its restart, did not finish. None: not now."""
        if not self.tasks.open:
            return None
        if (reply := owed(answer)) is not None:
            return self.tasks.spawn(self._owed(answer, reply), "news")
        try:
            question = questions.read(answer.id, answer.place, answer.request)
        except ValueError:
            log.exception("an unfinished answer cannot be read")
            return self.tasks.spawn(self.inflight.finished(answer.id), "unreadable answer")
        return self.tasks.spawn(self._again(question, spent=answer.spent), "answer")

    async def tell(self, place: str, reply: Reply) -> None:
        """Later news for a place that a Request carried. Raises Undelivered when it may be tried again."""
        delivery = await self._news_for(place)
        if delivery is not None and not await delivery.finish(reply):
            raise Undelivered("Slack took a message in no way")

    async def _news_for(self, place: str) -> Delivery | None:
        try:
            alone, _ = await self.access.seclusion(load(place).channel)
            return news_for(self.slack, self.rate_limit, place, alone=alone)
        except ValueError:
            log.exception("news for a place that cannot be read")
            return None

    # ---- one answer

    async def _owed(self, answer: Answer, reply: Reply) -> None:
        """What a watch found, and its process did not live to tell."""
        self.inflight.took(answer.id)
        try:
            delivery = None if answer.spent else await self._news_for(answer.place)
            if delivery is None or await self._delivered(delivery, reply):
                await self.inflight.finished(answer.id)
        finally:
            self.inflight.dropped(answer.id)

    async def _again(self, question: Question, *, spent: bool) -> None:
        self.inflight.took(question.id)
        if not (spent or question.forgotten):
            await self._answer(question)
            return
        try:
            if await self._given_up(
                Delivery(self.slack, question.place, self.rate_limit), _FORGOTTEN if question.forgotten else _SPENT
            ):
                await self.inflight.finished(question.id)
        finally:
            self.inflight.dropped(question.id)

    async def _answer(self, question: Question) -> None:
        """From admission to the end. Whatever happens, the person is told, or the answer is left to whoever takes it over."""
        delivery = Delivery(self.slack, question.place, self.rate_limit)
        try:
            admission = await self._admitted(question)
            delivery = self._delivery(question, admission)
            if await self._work(question, admission, delivery):
                await self.inflight.finished(question.id)
        except asyncio.CancelledError:
            if not self.inflight.survives(question.id):
                await delivery.give_up("mailflow was stopped before this was answered. Ask again in a minute.")
            raise
        except Exception:
            said = f"mailflow failed while answering, so nothing is said about your mail: error {_logged()}."
            await self._given_up(delivery, said)
            await self._told_in_form(question, run.mistake(said, 3))
            await self.inflight.finished(question.id)
        finally:
            # a lease is renewed for as long as somebody works on it, and no longer
            self.inflight.dropped(question.id)

    async def _admitted(self, question: Question) -> Admission:
        """Slack is asked again while it fails to say who asks: a refusal for that would be an answer that is lost."""
        admission = await self.access.admit(question.place, shared=question.shared)
        for pause in DOUBT:
            if not admission.in_doubt:
                break
            if await self.slack.answers():
                await asyncio.sleep(pause)
            else:
                await redelivery.over(self.slack)
            admission = await self.access.admit(question.place, shared=question.shared)
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

    async def _work(self, question: Question, admission: Admission, delivery: Delivery) -> bool:
        """Whether the answer is at its end."""
        work = asyncio.ensure_future(self._reply(question, admission, delivery))
        try:
            await asyncio.wait({work}, timeout=GRACE)
            if not work.done():
                await delivery.begin(work.done)
            reply = await work
            if reply.audience == "asker" and await self._told_in_form(question, reply):
                reply = replace(reply, audience="nobody")
            ended = await self._delivered(delivery, reply)
            await self._spend(question, reply)
            return ended
        finally:
            work.cancel()
            await asyncio.wait({work})

    def _delivery(self, question: Question, admission: Admission) -> Delivery:
        async def posted(parent: str) -> None:
            # with a message of its own the answer needs no response_url any more
            await self.inflight.moved(question.id, replace(question.place, parent=parent, response_url=""))

        alone, buttons = admission.alone, not admission.secluded
        return Delivery(self.slack, question.place, self.rate_limit, alone=alone, buttons=buttons, posted=posted)

    async def _reply(self, question: Question, admission: Admission, delivery: Delivery) -> Reply:
        if _comes_back(question) and not question.place.inline:
            # it reports to its thread later, so the thread must be there first
            await delivery.begin()
        # what a fix tells later comes by the clock; whoever clicked here did not ask for it
        place = delivery.address(asked=_comes_back(question))
        reply = await self._run(question, admission, place, delivery.tell)
        metrics.count(reply)
        return reply

    async def _run(self, question: Question, admission: Admission, place: str, tell: Tell) -> Reply:
        if admission.actor is None:
            return run.mistake(admission.refusal, 1)
        try:
            if question.means_above:
                question = await thread_context.read(self.slack, question)
            line = question.words or words.split(question.text)
        except thread_context.Unread as unread:
            return unread.reply
        except CommandError as error:
            return run.mistake(str(error), error.exit_code)
        if why := self._not_here(question, admission):
            return run.mistake(why, 1)
        reads = question.command is not None and question.command.text
        async with self.file_slots.turn(Party(admission.actor.id)) if reads and question.files else nullcontext():
            files = await file_download.fetched(self.slack, question.files) if reads else ()
            request = Request(line, admission.actor, place, clicked=bool(question.words), files=files)
            return await run.run(request, self.services, tell, prefix=question.prefix)

    def _not_here(self, question: Question, admission: Admission) -> str:
        """Why a click on what changes a tenant does not count in this place."""
        command = find(question.words[0]) if question.words else None
        if command is None or not changes_a_tenant(command):
            return ""
        if admission.secluded:
            return _SHARED
        asks = command.name in ("fix", "ask")
        return _ALONE if asks and question.place.direct and self.services.fixes.approvals else ""

    # ---- what was clicked

    async def _told_in_form(self, question: Question, reply: Reply) -> bool:
        """What is for the asker alone stands in the form that was sent, where there is one and it is open still."""
        if question.used is None or not question.used.view:
            return False
        title = question.place.line
        return await self._forms.show(question.used.view, modals.filled(title, reply, question.place), after=SETTLED)

    async def _spend(self, question: Question, reply: Reply) -> None:
        """The buttons of the message that was clicked go; the first who used them stands there. A form says where to look."""
        used = question.used
        if used is None:
            return
        if used.view and reply.audience == "thread":
            view = modals.said(question.place.line, f"{reply.headline}. Go on in the thread{_press(reply)}.")
            await self._forms.show(used.view, view, after=SETTLED)
        if used.ts and reply.spent and await self.inflight.claim("spent", f"s-{used.channel}-{used.ts}"):
            message = messages.spent(used.text, used.blocks, reply.spent, question.place.user, datetime.now(UTC))
            await replace_message(self.slack, self.rate_limit, used.channel, used.ts, message)

    # ---- forms, and clicks that mean nothing

    @property
    def _forms(self) -> Forms:
        return Forms(self.slack)

    async def _form(self, click: Click) -> None:
        """Open at once, since the trigger dies in 3 seconds; fill when the answer is there."""
        if click.choice is None:
            return
        command = click.question.command
        if command is not None and command.text:
            await self._open(click.trigger, modals.to_paste(click.question.place), click.question)
            return
        title = click.choice.verb.label
        if view_id := await self._open(click.trigger, modals.waiting(title), click.question):
            await self._forms.show(view_id, await self._filled(title, click.question))

    async def _open(self, trigger: str, view: Block, question: Question) -> str:
        """The form's id; "" where it is open already, or where the person was told that it could not be opened."""
        if not await self.inflight.claim("trigger", question.id):
            return ""
        try:
            return await self._forms.open(trigger, view)
        except NotOpened as error:
            if error.again:
                delivery = Delivery(self.slack, question.place, self.rate_limit, alone="The form could not be opened.")
                await delivery.give_up("Slack did not open the form in time. Try once more.")
            return ""

    async def _filled(self, title: str, question: Question) -> Block:
        """The form with its answer, whatever becomes of that."""
        try:
            admission = await self.access.admit(question.place)
            reply = await self._run(question, admission, question.place.lasting(), _no_progress)
            return modals.filled(title, reply, question.place)
        except Exception:
            return modals.said(title, f"mailflow failed at this itself: error {_logged()}.")

    async def _dead_click(self, question: Question) -> None:
        if await self.inflight.claim("trigger", question.id):
            delivery = Delivery(self.slack, question.place, self.rate_limit, alone="Nothing was done.")
            await delivery.give_up("mailflow does not know that button (any more). Check the target again.")


def _comes_back(question: Question) -> bool:
    """What Slack alone has, the terminal not, needs a place to come back to."""
    return question.command is not None and question.command.front == "slack"


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
