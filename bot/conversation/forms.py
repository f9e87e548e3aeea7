"""Clicks that open a form for the clicker alone, and forms that show an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.conversation.inflight import Inflight
from bot.conversation.platform import Admission, Form, FormNotOpened, Platform
from bot.conversation.question import Place, Question
from commands.command import Verb
from commands.mistake import internal_error
from commands.registry import VERBS, find
from commands.reply import Progress, Reply, Tell

P = TypeVar("P", bound=Place)

Run = Callable[[Question[P], Admission, str, Tell], Awaitable[Reply]]

WAITING = "⏳ One moment …"

TEXT = Form("Explain an error")
"""The form that takes a text: complete from the start, since there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Click(Generic[P]):
    """A button or a menu entry. `verb` is None for one that this version does not know, or that nobody made."""

    question: Question[P]
    verb: Verb | None
    trigger: str


@dataclass(frozen=True, slots=True)
class Forms(Generic[P]):
    """`run` answers a question: given who asks, the place for what comes back later, and a function that takes progress."""

    platform: Platform[P]
    inflight: Inflight
    run: Run[P]

    async def open_for_text(self, trigger: str, question: Question[P]) -> None:
        """Ask for the text that a command lacks."""
        await self._open(trigger, TEXT, question)

    async def fill(self, click: Click[P]) -> None:
        """Open at once, since a trigger lasts seconds; fill when the answer is there."""
        if click.verb is None:
            return
        command = click.question.command
        if command is not None and command.text:
            await self.open_for_text(click.trigger, click.question)
            return
        title = click.verb.label
        if id := await self._open(click.trigger, Form(title, WAITING), click.question):
            await self.platform.update_form(id, await self._filled(title, click.question), click.question.place)

    async def unknown(self, question: Question[P]) -> None:
        """Say so of a button that is not of this version."""
        if await self.inflight.claim("trigger", question.id):
            delivery = self.platform.deliver(question.place, Admission(alone="Nothing was done."))
            await delivery.give_up("mailflow does not know that button (any more). Check the target again.", patient=False)

    async def answer(self, question: Question[P], reply: Reply) -> bool:
        """Show what is for the asker alone in the form that was sent. Returns whether it is shown there."""
        if question.used is None or not question.used.form:
            return False
        form = Form(question.place.line, reply=reply)
        return await self.platform.update_form(question.used.form, form, question.place, submitted=True)

    async def point_to_thread(self, question: Question[P], reply: Reply) -> None:
        """Say in the form that was sent, if any, that the answer is in the thread."""
        if question.used is not None and question.used.form:
            form = Form(question.place.line, f"{reply.headline}. Go on in the thread{_press(reply)}.")
            await self.platform.update_form(question.used.form, form, question.place, submitted=True)

    async def _open(self, trigger: str, form: Form, question: Question[P]) -> str:
        """The form's id; "" where it is open already, or where the person was told that it could not be opened."""
        if not await self.inflight.claim("trigger", question.id):
            return ""
        try:
            return await self.platform.open_form(trigger, form, question.place)
        except FormNotOpened as error:
            if said := str(error):
                delivery = self.platform.deliver(question.place, Admission(alone="The form could not be opened."))
                await delivery.give_up(said, patient=False)
            return ""

    async def _filled(self, title: str, question: Question[P]) -> Form:
        """The form with its answer, or with an internal error."""
        try:
            admission = await self.platform.admit(question, patient=False)
            return Form(title, reply=await self.run(question, admission, question.place.lasting(), _no_progress))
        except Exception:
            return Form(title, f"mailflow failed at this itself: error {internal_error('filling a form')}.")


def _press(reply: Reply) -> str:
    """Which button there goes on with it, where nothing else does: one whose command is known to clicks alone."""
    given = {action.verb for action in reply.actions}
    pressed = [v.label for v in VERBS if v.name in given and (command := find(v.words[0])) and command.front == "click"]
    return f": press {pressed[0]} there" if pressed else ""


def _no_progress(_progress: Progress) -> None:
    pass
