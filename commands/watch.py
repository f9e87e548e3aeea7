"""`watch`: look at a stored result's target every few minutes, and tell the place once when it works again."""

import secrets
from datetime import timedelta

from commands.command import Call, CommandError, Services
from commands.jobs import watch_on
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from diagnostics.mailboxes import without_mailboxes
from diagnostics.store import DoesNotFit, StoreUnavailable, TooManyWatches, Watch

EVERY = timedelta(minutes=5)
LASTS = timedelta(hours=24)
MOST_OF_WORD = 10
"""Places that wait for one target: each has looks of its own at the same servers."""

MOST_OF_PERSON = 50


async def run(call: Call, request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError for an id that is not known, and where there is no place or no store to come back from."""
    if len(call.words) != 1:
        raise CommandError(f"Name one result. Usage: {call.command.usage}")
    if services.store is None or not request.place:
        raise CommandError("A watch needs a thread to report to: ask for it in Slack.")
    stored = await services.memory.find(call.words[0])
    if stored.verdict == "healthy":
        return Reply("It works already, so there is nothing to wait for.", audience="asker")
    now = services.tools.instruments.now()
    word = without_mailboxes(stored.word)  # an older version may have kept it whole
    watch = Watch("w-" + secrets.token_hex(8), word, request.place, request.actor.id, now + LASTS, EVERY, stored.verdict)
    try:
        new = await services.store.add_watch(watch, now=now, most_of_word=MOST_OF_WORD, most_of_actor=MOST_OF_PERSON)
    except StoreUnavailable as error:
        raise CommandError(f"The store cannot be reached, so nothing would wake me: {error}.", exit_code=1) from None
    except TooManyWatches as error:
        raise CommandError(f"Not watched: {error} already. Wait until one of them has ended.", exit_code=1) from None
    except DoesNotFit:
        raise CommandError("That target is too long to be watched.") from None
    if not new:
        return Reply("This is being watched here already.", audience="asker")
    await watch_on(watch, now, services)
    every = EVERY.seconds // 60
    said = f"I check every {every} minutes and tell this thread once it works again, until {watch.until:%Y-%m-%d %H:%M} UTC."
    return Reply("Watching", sections=(Section("", (Item(said),)),))
