"""What a chat platform provides: who may ask, messages, forms, files. The tests have one in memory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.conversation.question import File, Place, Question, Used
from commands.reply import Action, Progress, Reply
from commands.request import Actor, Attached

P = TypeVar("P", bound=Place)

Moved = Callable[[P], Awaitable[None]]
"""Takes the place of an answer once it has a message of its own."""


class Undelivered(Exception):
    """Nothing was delivered; a later attempt may succeed."""


class ThreadUnread(Exception):
    """The thread that a question is about could not be read. `reply` says why, and offers the form for a text."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.reply = Reply(sentence, audience="asker", exit_code=1, actions=(Action("explain-error", "text"),))


class FormNotOpened(Exception):
    """Its text is for the person, who may try once more; "" where another process has opened the form."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who asks and who reads along. `actor` is None for a person who may not ask: `refusal` says why.

    `alone` says why the answer is for the asker alone; "" where it may be posted. `secluded`: because people of other
    organisations may read there, so there are no buttons either. `in_doubt`: the platform failed when it was asked, so the same
    question may be answered otherwise a moment later.
    """

    actor: Actor | None = None
    refusal: str = ""
    alone: str = ""
    secluded: bool = False
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What one person sees in a form: `reply` (to read, copy, or fill in), else a sentence, else a field to paste a text into."""

    title: str
    sentence: str = ""
    reply: Reply | None = None


class Delivery(Protocol):
    """One answer on its way: `begin`, any number of `tell`, then `finish`, or `give_up` where there is no answer."""

    async def begin(self, over: Callable[[], bool] = ...) -> None:
        """Show that the question is being answered, unless the work is `over` when the message can be posted."""

    def tell(self, progress: Progress) -> None:
        """The newest progress; what has not been shown before it is dropped."""

    async def finish(self, reply: Reply, *, patient: bool = True) -> bool:
        """Deliver the whole answer. Returns whether nothing is left to do: it was taken, or refused in every way.

        `patient`: offer it again for as long as the platform fails, up to an hour; otherwise try once, and return whether it
        was taken.
        """

    async def give_up(self, sentence: str, *, patient: bool = True) -> bool:
        """A sentence instead of an answer; as `finish`."""

    def address(self, *, asked: bool) -> str:
        """The place of this answer, for what comes back later; "" where nothing could be delivered.

        `asked`: the person who asked for this answer asks for what comes back too, so it is named there.
        """


class Platform(Protocol[P]):
    """One workspace of a chat platform."""

    @property
    def name(self) -> str:
        """Lower-case letters: what its places begin with, before the colon."""

    def place(self, text: str) -> P:
        """The place that `dump` or `lasting` wrote. Raises ValueError for any other text."""

    async def admit(self, question: Question[P], *, patient: bool = True) -> Admission:
        """`patient`: ask again while the platform fails to say, up to an hour. Never raises except when cancelled."""

    def deliver(self, place: P, admission: Admission | None = None, moved: Moved[P] | None = None) -> Delivery:
        """For the answer to a question that was asked there. `moved` is called once it has a message of its own."""

    async def deliver_later(self, place: P) -> Delivery:
        """For news that nobody waits for: who reads along is asked anew. Never raises except when cancelled."""

    async def read_thread(self, question: Question[P]) -> Question[P]:
        """With the text and the files that its thread is about. Raises ThreadUnread."""

    async def fetch_files(self, files: Sequence[File]) -> tuple[Attached, ...]:
        """In the same order, each with its content or with the reason why there is none. Never raises except when cancelled."""

    async def open_form(self, trigger: str, form: Form, place: P) -> str:
        """Returns the form's id. `trigger` is what the platform gave for the click, and lasts seconds. Raises FormNotOpened."""

    async def update_form(self, id: str, form: Form, place: P, *, submitted: bool = False) -> bool:
        """Returns whether it is shown. `submitted`: the form was just sent. Never raises except when cancelled."""

    async def update(self, used: Used, place: P, spent: str) -> None:
        """Replace the buttons of a message by a line: `spent` says what was done with them, `place.user` by whom.

        What cannot be edited stays. Never raises except when cancelled.
        """
