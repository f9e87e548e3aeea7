"""Refusals by the words that mail servers write, whatever their code: each kind, and the neighbours that are another one."""

import pytest

from diagnostics.catalogue import load, refusals
from tests.explain.making import explained, reported

# what a server says → the kind
SAID = {
    "Recipient address rejected: User unknown in local recipient table": "recipient-unknown",
    "Recipient rejected": "recipient-unknown",
    "Requested action not taken: mailbox unavailable": "recipient-unknown",
    "Sender address rejected: Domain not found": "sender-refused",
    "Sender address rejected: undeliverable address: unknown user": "sender-refused",
    "Client host rejected: cannot find your reverse hostname": "no-reverse-dns",
    "Client host rejected: Access denied": "address-blocked",
    "Service unavailable; Client host [198.51.100.2] blocked using zen.example.org": "address-blocked",
    "Your IP is not allowed to connect": "address-blocked",
    "IP 198.51.100.2 is not authorized to send mail for contoso.example": "sender-not-authenticated",
    "Please see http://www.openspf.net/Why": "sender-not-authenticated",
    "Your server is not authorized to relay": "relay-denied",
    "Relaying denied": "relay-denied",
    "X-Outbound-Mail-Relay; Name service error for name=fabrikam.example type=MX": "host-unknown",
    "Message size exceeds fixed limit": "message-too-big",
    "Message rate exceeded, please retry later": "sent-too-fast",
    "Message submission rate for this client has exceeded the configured limit": "sent-too-fast",
    "Message exceeds the maximum number of hops": "mail-loop",
    "too many recipients": "too-many-recipients",
    "too many connections from 198.51.100.2": "sent-too-fast",
    "contains a URL listed in SURBL": "spam-link",
    "This message looks like spam": "spam",
    "Corrupt message content": "content-refused",
    "Over quota": "mailbox-full",
    "Insufficient system storage": "system-full",
    "This account has been disabled": "recipient-disabled",
    "Greylisted, please try again in five minutes": "greylisted",
    "virus found": "virus",
    "454 4.7.0 Temporary authentication failure": "exchange-authentication",
    "Authentication required": "authentication-required",
    "DNS query failed": "dns-failed",
    "Connection timed out": "connection-failed",
    "Service temporarily unavailable": "temporarily-unavailable",
    "Message not accepted for policy reasons": "policy",
}


@pytest.mark.parametrize(("said", "kind"), SAID.items())
def test_a_kind_is_known_by_its_words(said: str, kind: str) -> None:
    assert refusals.kind(said) == kind


def test_every_kind_has_words_that_show_it() -> None:
    shown = set(SAID.values()) | {"certificate-refused"}
    assert shown == set(load().kinds)


def test_words_that_are_of_every_refusal_count_only_behind_a_code() -> None:
    assert refusals.kind("It was refused by policy", apart=True) is None
    assert refusals.kind("The mailbox is full", apart=True) == "mailbox-full"


@pytest.mark.parametrize("sender", ["exchange-online", "other"])
def test_nobody_but_microsoft_can_change_microsofts_addresses(sender: str) -> None:
    told = explained(reported("550 5.7.1", None, sender=sender, text="Client host [40.107.22.1] blocked using zen.example.org"))
    owner = {"exchange-online": "partner", "other": "you"}[sender]
    assert told.title == "Sending address blocked"
    assert told.fixes[0].owner == owner


@pytest.mark.parametrize(("state", "waits"), [("queued", True), ("expired", False), ("rejected", False)])
def test_returned_mail_is_not_told_to_wait(state: str, waits: bool) -> None:
    told = explained(reported("451 4.7.1", None, sender="other", state=state, text="Greylisted, try again later"))
    assert ("Wait" in told.fixes[0].text) is waits
