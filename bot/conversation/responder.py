"""From a question to the end of its answer, whatever happens: the one place where errors end."""

import asyncio
import logging
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from bot import metrics
from bot.conversation import question as questions
from bot.conversation.forms import Click, Forms
from bot.conversation.inflight import Inflight
from bot.conversation.platform import Admission, Delivery, Platform, ThreadUnread, Undelivered
from bot.conversation.question import Place, Question
from bot.conversation.tasks import Tasks
from bot.news import owed
from commands import run, words
from commands.command import CommandError, Services
from commands.mistake import internal_error
from commands.registry import find
from commands.reply import Reply, Tell
from commands.request import Request
from commands.turns import FairQueue, Party
from diagnostics.store import Answer

log = logging.getLogger("mailflow.conversation")

MAX_FILE_QUESTIONS = 4  # at once, one a person: each may hold 5 MiB of attachments
GRACE = 0.25  # seconds; an answer that is ready by then (help, a mistyped word) needs no "Running" message
_SPENT = "mailflow ended twice while it was answering this, so it has given up. Ask again, for fewer targets at once."
_FORGOTTEN = "mailflow was stopped while answering this. It keeps nobody's text, so it has to be given once more: ask again."
_SHARED = "Others read this channel, so nothing is changed from here. Use a channel of your own organisation."
_ALONE = "Nobody else reads a direct message, so nobody could approve it. Ask for it in a channel."

P = TypeVar("P", bound=Place)


@dataclass(frozen=True, slots=True)
class Responder(Generic[P]):
    """Answers the questions of one platform's workspace."""

    platform: Platform[P]
    services: Services
    inflight: Inflight
    tasks: Tasks
    file_slots: FairQueue = field(default_factory=lambda: FairQueue(MAX_FILE_QUESTIONS, each=1))

    async def ask(self, question: Question[P], trigger: str = "") -> None:
        """Answer one question, unless it was asked before. `trigger` opens a form for the text that the question lacks."""
        if trigger and question.lacks_text:
            await self._forms.open_for_text(trigger, question)
        elif await self.inflight.begin(question.id, question.place, question.dump()):
            await self._answer(question)

    async def click(self, click: Click[P]) -> None:
        """Answer a click: with a form for the clicker alone, or with a new reply in the thread."""
        if click.verb is None:
            await self._forms.unknown(click.question)
        elif click.verb.shows == "form":
            await self._forms.fill(click)
        else:
            await self.ask(click.question)

    def again(self, answer: Answer) -> asyncio.Task[None] | None:
        """Go on with an answer that another process, or this one before its restart, did not finish. None: not now."""
        if not self.tasks.open:
            return None
        try:
            place = self.platform.place(answer.place)
            if (reply := owed(answer)) is not None:
                return self.tasks.spawn(self._owed(answer, reply), "news")
            question = questions.read(answer.id, place, answer.request)
        except ValueError:
            log.exception("an unfinished answer cannot be read")
            return self.tasks.spawn(self.inflight.finished(answer.id), "unreadable answer")
        return self.tasks.spawn(self._again(question, spent=answer.spent), "answer")

    async def tell(self, place: str, reply: Reply) -> None:
        """Deliver news to a place that a Request carried. Raises Undelivered when a later attempt may succeed."""
        name, colon, _ = place.partition(":")
        if colon and name.isalpha() and name != self.platform.name:
            raise Undelivered(f"the place belongs to {name[:40]}, and this process serves {self.platform.name}")
        delivery = await self._news_for(place)
        if delivery is not None and not await delivery.finish(reply, patient=False):
            raise Undelivered("the platform took the message in no way")

    async def _news_for(self, place: str) -> Delivery | None:
        try:
            return await self.platform.deliver_later(self.platform.place(place))
        except ValueError:
            log.exception("news for a place that cannot be read")
            return None

    # ---- one answer

    async def _owed(self, answer: Answer, reply: Reply) -> None:
        """What a watch found, and its process did not live to tell."""
        self.inflight.took(answer.id)
        try:
            delivery = None if answer.spent else await self._news_for(answer.place)
            if delivery is None or await delivery.finish(reply):
                await self.inflight.finished(answer.id)
        finally:
            self.inflight.dropped(answer.id)

    async def _again(self, question: Question[P], *, spent: bool) -> None:
        self.inflight.took(question.id)
        if not (spent or question.forgotten):
            await self._answer(question)
            return
        try:
            if await self.platform.deliver(question.place).give_up(_FORGOTTEN if question.forgotten else _SPENT):
                await self.inflight.finished(question.id)
        finally:
            self.inflight.dropped(question.id)

    async def _answer(self, question: Question[P]) -> None:
        """From admission to the end. The person gets an answer, or the next process that takes it over gives one."""
        delivery = self.platform.deliver(question.place)
        try:
            admission = await self.platform.admit(question)
            delivery = self._delivery(question, admission)
            if await self._work(question, admission, delivery):
                await self.inflight.finished(question.id)
        except asyncio.CancelledError:
            if not self.inflight.survives(question.id):
                stopped = "mailflow was stopped before this was answered. Ask again in a minute."
                await delivery.give_up(stopped, patient=False)
            raise
        except Exception:
            said = f"mailflow failed while answering, so nothing is said about your mail: error {internal_error('answering')}."
            await delivery.give_up(said)
            await self._forms.answer(question, run.mistake(said, 3))
            await self.inflight.finished(question.id)
        finally:
            # a lease is renewed for as long as a task works on it, and no longer
            self.inflight.dropped(question.id)

    def _delivery(self, question: Question[P], admission: Admission) -> Delivery:
        async def moved(place: P) -> None:
            await self.inflight.moved(question.id, place)

        return self.platform.deliver(question.place, admission, moved)

    async def _work(self, question: Question[P], admission: Admission, delivery: Delivery) -> bool:
        """Whether the answer is at its end."""
        work = asyncio.ensure_future(self._reply(question, admission, delivery))
        try:
            await asyncio.wait({work}, timeout=GRACE)
            if not work.done():
                await delivery.begin(work.done)
            reply = await work
            if reply.audience == "asker" and await self._forms.answer(question, reply):
                reply = replace(reply, audience="nobody")
            ended = await delivery.finish(reply)
            await self._spend(question, reply)
            return ended
        finally:
            work.cancel()
            await asyncio.wait({work})

    async def _reply(self, question: Question[P], admission: Admission, delivery: Delivery) -> Reply:
        comes_back = question.command is not None and question.command.front == "chat"
        if comes_back and not question.place.inline:
            # it reports to its thread later, so the thread must be there first
            await delivery.begin()
        # what a fix reports later comes by the clock; the person who clicked here did not ask for it
        reply = await self._run(question, admission, delivery.address(asked=comes_back), delivery.tell)
        metrics.count(reply)
        return reply

    async def _run(self, question: Question[P], admission: Admission, place: str, tell: Tell) -> Reply:
        if admission.actor is None:
            return run.mistake(admission.refusal, 1)
        try:
            if question.means_thread:
                question = await self.platform.read_thread(question)
            line = question.words or words.split(question.text)
        except ThreadUnread as unread:
            return unread.reply
        except CommandError as error:
            return run.mistake(str(error), error.exit_code)
        if why := self._not_here(question, admission):
            return run.mistake(why, 1)
        reads = question.command is not None and question.command.text
        async with self.file_slots.turn(Party(admission.actor.id)) if reads and question.files else nullcontext():
            files = await self.platform.fetch_files(question.files) if reads else ()
            request = Request(line, admission.actor, place, clicked=bool(question.words), files=files)
            return await run.run(request, self.services, tell, prefix=question.prefix)

    def _not_here(self, question: Question[P], admission: Admission) -> str:
        """Why a click on what changes a tenant does not count in this place; "" where it does."""
        command = find(question.words[0]) if question.words else None
        if command is None or not command.changes_tenant:
            return ""
        if admission.secluded:
            return _SHARED
        asks = command.name in ("fix", "ask")
        return _ALONE if asks and question.place.direct and self.services.fixes.approvals else ""

    async def _spend(self, question: Question[P], reply: Reply) -> None:
        """Take the buttons away from the message that was clicked, once; the form that was sent says where to look."""
        used = question.used
        if used is None:
            return
        if reply.audience == "thread":
            await self._forms.point_to_thread(question, reply)
        if used.message and reply.spent and await self.inflight.claim("spent", f"s-{used.message}"):
            await self.platform.update(used, question.place, reply.spent)

    @property
    def _forms(self) -> Forms[P]:
        return Forms(self.platform, self.inflight, self._run)
