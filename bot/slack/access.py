"""Who may ask, who reads along, and who may approve a fix. Slack is asked; where it does not answer, access is denied.

Answers about who may ask are cached for a minute. Approval rights are asked for each time: one that was withdrawn a minute
ago must not count.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from bot.conversation.platform import Admission
from bot.slack.conversation_ref import PEOPLE, PERSON, ConversationRef
from bot.slack.transport.client import FAILURES, Me, Slack, SlackFault, error_code, may_pass, noted, part
from commands.command import APPROVE, CommandError
from commands.request import Actor
from diagnostics.single_flight import SingleFlight

KEPT = 60.0
_MOST = 10_000
_PATIENCE = 10.0
_READER = re.compile(r"[UWSCGD][A-Z0-9]{1,30}")

T = TypeVar("T")


def readers(given: tuple[str, ...]) -> tuple[str, ...]:
    """MAILFLOW_READERS as it can be checked. Raises CommandError that names the entry: a typo would let nobody in."""
    for entry in given:
        if not _READER.fullmatch(entry):
            raise CommandError(
                f"MAILFLOW_READERS: {entry[:40]!r} is no id of Slack's. Write those of users (U…), user groups (S…) "
                "or channels (C…): Slack shows them under “Copy link” or “About”."
            )
    return given


class Access:
    """Lets people in: full members of the workspace, and of them only the readers where any are named."""

    def __init__(self, slack: Slack, allowed: tuple[str, ...]) -> None:
        self._slack = slack
        self._allowed = frozenset(allowed)
        self._groups = [entry for entry in allowed if entry.startswith("S")]
        self._users = _Kept(lambda user: user_of(slack, user))
        self._members = _Kept(lambda group: members_of(slack, group))
        self._channels = _Kept(self._ask_channel)

    async def admit(self, place: ConversationRef, *, shared: bool = False) -> Admission:
        """Never raises but when cancelled."""
        (refusal, unknown), (alone, secluded, unseen) = await asyncio.gather(
            self._refusal(place), self._seclusion(place.channel, shared=shared)
        )
        actor = None if refusal else Actor(place.user, frozenset({"reader"}))
        return Admission(actor, refusal, alone, secluded, in_doubt=unknown or unseen)

    async def seclusion(self, channel: str) -> tuple[str, bool]:
        """Why an answer in that channel is for the asker alone ("": it is not), and whether for fear of others who read along."""
        alone, secluded, _ = await self._seclusion(channel)
        return alone, secluded

    async def _seclusion(self, channel: str, *, shared: bool = False) -> tuple[str, bool, bool]:
        """And whether Slack failed to say."""
        if channel.startswith("D"):
            return "", False, False
        if not shared:
            try:
                shared = await self._channels.get(channel)
            except FAILURES as error:
                noted("conversations.info", error)
                return self._why_unknown(error_code(error)), True, may_pass(error)
        why = "This channel is shared with another organisation, so only you see this." if shared else ""
        return why, shared, False

    def _why_unknown(self, code: str) -> str:
        if code in ("channel_not_found", "not_in_channel"):
            return not_a_member(self._slack)
        return f"Slack did not tell me who reads this channel ({code or 'no answer'}), so only you see this."

    async def _refusal(self, place: ConversationRef) -> tuple[str, bool]:
        """Why this person may not ask, "" when they may; and whether that is because Slack failed."""
        if not PERSON.fullmatch(place.user):
            return "mailflow answers people only.", False
        if place.team and place.team != self._slack.me.team and not self._slack.me.enterprise:
            return _STRANGER, False
        try:
            user = await self._users.get(place.user)
        except FAILURES as error:
            noted("users.info", error)
            if error_code(error) in ("user_not_found", "user_not_visible"):
                return _STRANGER, False
            why = error_code(error) or "no answer"
            return f"Slack did not tell me who you are ({why}), so I may not answer. Try again later.", may_pass(error)
        if why := not_a_full_member(user, self._slack):
            return why, False
        return await self._not_a_reader(place)

    async def _not_a_reader(self, place: ConversationRef) -> tuple[str, bool]:
        if not self._allowed or self._allowed & {place.user, place.channel}:
            return "", False
        for group in self._groups:
            try:
                if place.user in await self._members.get(group):
                    return "", False
            except FAILURES as error:
                noted("usergroups.users.list", error)
                why = error_code(error) or "no answer"
                return f"Slack did not tell me who is in the user group that may ask ({why}), so I may not answer.", may_pass(
                    error
                )
        return "You may not ask mailflow here: the owner of mailflow decides who may (MAILFLOW_READERS).", False

    # ---- what Slack is asked

    async def _ask_channel(self, channel: str) -> bool:
        found = part(await self._slack.retrying.conversations_info(channel=channel), "channel", dict)
        # is_shared is also true of channels that two workspaces of one organisation share
        return bool(found.get("is_ext_shared") or found.get("is_pending_ext_shared"))


async def user_of(slack: Slack, id: str) -> Mapping[str, Any]:
    """What Slack says of a person now. Raises one of FAILURES."""
    return part(await slack.retrying.users_info(user=id), "user", dict)


async def members_of(slack: Slack, group: str) -> frozenset[str]:
    """Who is in a user group now. Raises one of FAILURES."""
    users = (await slack.retrying.usergroups_users_list(usergroup=group)).get("users")
    if not isinstance(users, list):
        raise SlackFault("an answer of Slack's lacks users")
    return frozenset(user for user in users if isinstance(user, str))


_STRANGER = "mailflow answers members of its own workspace only."


def not_a_member(slack: Slack) -> str:
    return f"I am not a member of this channel, so only you see this. To have it in a thread: /invite @{slack.me.name}"


def not_a_full_member(user: Mapping[str, Any], slack: Slack) -> str:
    """Why somebody of whom Slack says this is let in nowhere; "" for a full member."""
    if user.get("is_bot") or user.get("is_workflow_bot"):
        return "mailflow answers people only."
    if user.get("deleted"):
        return "That account has been switched off."
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "mailflow does not answer guests. Ask a full member of this workspace."
    return _STRANGER if user.get("is_stranger") or not _is_ours(user, slack.me) else ""


def _is_ours(user: Mapping[str, Any], me: Me) -> bool:
    """Of the installing workspace. In an Enterprise Grid people belong to several, and `team_id` names but one of them:
    `enterprise_user.teams` has all (docs.slack.dev/reference/objects/user-object).
    """
    if user.get("team_id") == me.team:
        return True
    grid = user.get("enterprise_user")
    if not me.enterprise or not isinstance(grid, Mapping) or grid.get("enterprise_id") != me.enterprise:
        return False
    teams = grid.get("teams")
    return isinstance(teams, list) and me.team in teams


class _Kept(Generic[T]):
    """Answers of Slack's by key."""

    def __init__(self, ask: Callable[[str], Awaitable[T]]) -> None:
        self._ask = ask
        self._answers = SingleFlight[T](lambda _: KEPT, most=_MOST)

    async def get(self, key: str) -> T:
        return await self._answers.get(key, lambda: self._within(key))

    async def _within(self, key: str) -> T:
        async with asyncio.timeout(_PATIENCE):
            return await self._ask(key)


# ---- who may approve


def approvers(given: tuple[str, ...]) -> tuple[str, ...]:
    """MAILFLOW_FIX_APPROVERS as it can be checked. Raises CommandError that names the entry."""
    for entry in given:
        if not PEOPLE.fullmatch(entry):
            raise CommandError(
                f"MAILFLOW_FIX_APPROVERS: {entry[:40]!r} is no id of Slack's. Write those of users (U…) and user groups (S…): "
                "Slack shows them under “Copy member ID” and “Copy group ID”."
            )
    return given


class SlackApprovers:
    """`commands.command.Approvers` over Slack. It fails closed: where Slack does not say, nobody may."""

    def __init__(self, slack: Slack, listed: tuple[str, ...]) -> None:
        self._slack = slack
        self._listed = frozenset(listed)
        self._groups = [entry for entry in listed if entry.startswith("S")]

    async def why_not(self, id: str, what: str = APPROVE) -> str | None:
        """Why this person may not; None: they may. `what` takes an approver. Never raises but when cancelled."""
        if not PERSON.fullmatch(id):
            return f"Only people {what}."
        method = "users.info"
        try:
            async with asyncio.timeout(_PATIENCE):
                why = not_a_full_member(await user_of(self._slack, id), self._slack)
                if why or id in self._listed:
                    return why or None
                method = "usergroups.users.list"
                for group in self._groups:
                    if id in await members_of(self._slack, group):
                        return None
        except FAILURES as error:
            noted(method, error)
            return f"Slack did not tell me whether you may approve ({error_code(error) or 'no answer'}). Click again later."
        return f"You may not {what}: the owner of mailflow lists who may in MAILFLOW_FIX_APPROVERS."
