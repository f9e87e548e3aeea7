"""One Slack workspace as `bot.conversation.platform.Platform`: joins access, inbound, outbound and blockkit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.conversation.platform import Admission, Form, Moved
from bot.conversation.question import File, Question, Used
from bot.conversation.tasks import Tasks
from bot.slack.access import Access
from bot.slack.blockkit import messages, modals
from bot.slack.conversation_ref import PLATFORM, ConversationRef, load
from bot.slack.inbound import thread_context
from bot.slack.inbound.file_download import fetched
from bot.slack.outbound import redelivery, views
from bot.slack.outbound.chat_api import Posted, replace_message
from bot.slack.outbound.delivery import Delivery
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.outbound.redelivery import PatientDelivery
from bot.slack.transport.client import Slack
from commands.request import Attached

DOUBT = (1.0, 2.0, 4.0, 8.0)  # seconds between questions about who asks, while Slack answers other calls


@dataclass(frozen=True, slots=True)
class Workspace:
    """See `Platform` for its methods."""

    slack: Slack
    access: Access
    tasks: Tasks
    rate_limit: RateLimit = field(default_factory=RateLimit)
    name: str = PLATFORM

    def place(self, text: str) -> ConversationRef:
        return load(text)

    async def admit(self, question: Question[ConversationRef], *, patient: bool = True) -> Admission:
        # asked again while Slack fails to say: a refusal for that would be an answer that is lost
        admission = await self.access.admit(question.place, shared=question.shared)
        for pause in DOUBT if patient else ():
            if not admission.in_doubt:
                break
            if await self.slack.answers():
                await asyncio.sleep(pause)
            else:
                await redelivery.over(self.slack)
            admission = await self.access.admit(question.place, shared=question.shared)
        return admission

    def deliver(
        self, place: ConversationRef, admission: Admission | None = None, moved: Moved[ConversationRef] | None = None
    ) -> PatientDelivery:
        async def on_posted(ts: str) -> None:
            if moved is not None:
                # with a message of its own the answer needs no response_url any more
                await moved(replace(place, parent=ts, response_url=""))

        alone, buttons = (admission.alone, not admission.secluded) if admission else ("", True)
        once = Delivery(self.slack, place, self.rate_limit, alone=alone, buttons=buttons, on_posted=on_posted)
        return PatientDelivery(once, self.tasks)

    async def deliver_later(self, place: ConversationRef) -> PatientDelivery:
        alone, _ = await self.access.seclusion(place.channel)
        return self.deliver(place, Admission(alone=alone, secluded=bool(alone)))

    async def read_thread(self, question: Question[ConversationRef]) -> Question[ConversationRef]:
        return await thread_context.read(self.slack, question)

    async def fetch_files(self, files: Sequence[File]) -> tuple[Attached, ...]:
        return await fetched(self.slack, files)

    async def open_form(self, trigger: str, form: Form, place: ConversationRef) -> str:
        return await views.opened(self.slack, trigger, modals.view(form, place))

    async def update_form(self, id: str, form: Form, place: ConversationRef, *, submitted: bool = False) -> bool:
        return await views.updated(self.slack, id, modals.view(form, place), after=views.SETTLED if submitted else 0.0)

    async def update(self, used: Used, place: ConversationRef, spent: str) -> None:
        text, blocks = used.content.get("text", ""), used.content.get("blocks", ())
        message = messages.spent(text, blocks, spent, place.user, datetime.now(UTC))
        posted = Posted(used.content.get("channel", ""), used.content.get("ts", ""))
        await replace_message(self.slack, self.rate_limit, posted, message)
