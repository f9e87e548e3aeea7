"""A chat platform in memory: what was shown where, in order. No connection, no clock, no library of any platform."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from bot.conversation.platform import Admission, Form, FormNotOpened, Moved, ThreadUnread
from bot.conversation.question import File, Question, Used, explains
from commands.reply import Progress, Reply
from commands.request import Actor, Attached

NAME = "memory"


@dataclass(frozen=True, slots=True)
class Room:
    """The place of a question; `parent` is the number of the message that its answer has."""

    user: str
    line: str = "check"
    direct: bool = False
    inline: bool = False
    parent: str = ""

    def dump(self) -> str:
        return f"{NAME}:{json.dumps(asdict(self))}"

    def lasting(self) -> str:
        return replace(self, parent="").dump()


class Away(Exception):
    """The platform is away."""


@dataclass(slots=True)
class Chat:
    """`shown`: (user, kind, text) of each thing that somebody saw; kinds are running, answer, sorry, form, filled and used.

    `away`: attempts to deliver that fail still. `admission` is for everybody; None admits.
    """

    name: str = NAME
    shown: list[tuple[str, str, str]] = field(default_factory=list)
    admission: Admission | None = None
    away: int = 0
    above: str = ""
    triggers: set[str] = field(default_factory=set)

    def place(self, text: str) -> Room:
        name, _, rest = text.partition(":")
        if name != NAME:
            raise ValueError("not a place in memory")
        try:
            return Room(**json.loads(rest))
        except TypeError as error:
            raise ValueError("not a place in memory") from error

    async def admit(self, question: Question[Room], *, patient: bool = True) -> Admission:
        del patient
        return self.admission or Admission(Actor(question.place.user, frozenset({"reader"})))

    def deliver(self, place: Room, admission: Admission | None = None, moved: Moved[Room] | None = None) -> "Message":
        return Message(self, place, moved, alone=admission.alone if admission else "")

    async def deliver_later(self, place: Room) -> "Message":
        return self.deliver(place)

    async def read_thread(self, question: Question[Room]) -> Question[Room]:
        if not self.above:
            raise ThreadUnread("Nothing stands above.")
        return replace(question, words=explains(self.above))

    async def fetch_files(self, files: Sequence[File]) -> tuple[Attached, ...]:
        return tuple(Attached(file.name, b"450 4.4.316 Connection refused") for file in files)

    async def open_form(self, trigger: str, form: Form, place: Room) -> str:
        if trigger in self.triggers:
            raise FormNotOpened
        if not trigger:
            raise FormNotOpened("Too late. Try once more.")
        self.triggers.add(trigger)
        self.shown.append((place.user, "form", form.sentence or form.title))
        return f"form-{len(self.triggers)}"

    async def update_form(self, id: str, form: Form, place: Room, *, submitted: bool = False) -> bool:
        del id, submitted
        self.shown.append((place.user, "filled", form.reply.headline if form.reply else form.sentence))
        return True

    async def update(self, used: Used, place: Room, spent: str) -> None:
        self.shown.append((place.user, "used", f"{used.message}: {spent}"))


@dataclass(slots=True)
class Message:
    """One answer; `finish` and `give_up` try as often as the chat is away, at once."""

    chat: Chat
    at: Room
    moved: Moved[Room] | None
    alone: str = ""
    progress: list[Progress] = field(default_factory=list)

    async def begin(self, over: Callable[[], bool] = lambda: False) -> None:
        if not over():
            self.chat.shown.append((self.at.user, "running", self.at.line))
            if self.moved is not None:
                await self.moved(replace(self.at, parent=str(len(self.chat.shown))))

    def tell(self, progress: Progress) -> None:
        self.progress.append(progress)

    async def finish(self, reply: Reply, *, patient: bool = True) -> bool:
        return reply.audience == "nobody" or self._taken("answer", reply.headline, patient=patient)

    async def give_up(self, sentence: str, *, patient: bool = True) -> bool:
        return self._taken("sorry", sentence, patient=patient)

    def address(self, *, asked: bool) -> str:
        return "" if self.alone else replace(self.at, line=self.at.line if asked else "").lasting()

    def _taken(self, kind: str, text: str, *, patient: bool) -> bool:
        while self.chat.away:
            self.chat.away -= 1
            if not patient:
                return False
        self.chat.shown.append((self.at.user, kind, text))
        return True
