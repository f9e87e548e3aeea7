"""Who may approve a fix. Slack is asked afresh each time: a right that was withdrawn a minute ago is none."""

import asyncio

from bot.slack.access import members_of, not_a_full_member, user_of
from bot.slack.conversation_ref import PEOPLE, PERSON
from bot.slack.transport.client import FAILURES, Slack, error_code, noted
from commands.command import APPROVE, CommandError

_PATIENCE = 10.0


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
