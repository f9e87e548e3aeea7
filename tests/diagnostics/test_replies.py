"""Which refusals are of this machine alone: the one place where a peer's words decide (contract 4, vantage-refused)."""

import time

import pytest

from diagnostics.findings import Clue
from diagnostics.replies import About, clues, refuses_client

OWN, PEER, NAME = ("10.0.0.5", "2001:db8::5"), "198.51.100.25", "probe.lab.test"

OF_THIS_MACHINE: list[tuple[str, About]] = [
    ("554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org", "address"),
    ("550 5.7.1 <unknown[10.0.0.5]>: Client host rejected: Access denied", "address"),
    (
        "554-mx.contoso.com / 554 Your access has been rejected due to the sending MTA's poor reputation",
        "address",
    ),
    ("550 5.7.1 rejected: 203.0.113.7 may not connect", "address"),
    ("550 5.7.1 [IPv6:2001:db8::5] may not connect", "address"),
    ("550 5.7.606 Access denied, banned sending IP [203.0.113.7]", "address"),
    ("450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.7]", "address"),
    ("554 5.7.1 No PTR record, go away", "address"),
    ("550 dynamic IP addresses are not welcome", "address"),
    ("421 4.7.0 Your IP has a poor reputation", "address"),
    ("421 your host is listed in dnsbl.example", "address"),
    ("550 5.7.1 Your country is not served here", "address"),
    ("504 5.5.2 <build7>: Helo command rejected: need fully-qualified hostname", "name"),
    ("501 5.5.4 Invalid domain name", "name"),
    ("450 4.7.1 <probe.lab.test>: Helo command rejected: Host not found", "name"),
    ("550 5.7.1 probe.lab.test is not welcome", "name"),
]

OF_ANYBODY = [
    "554 5.7.1 No SMTP service here",
    "550 5.7.1 Access denied",
    "550 5.7.1 Access denied: mail is not allowed here",
    "530 5.7.0 Authentication required",
    "421 4.3.2 Service not available, closing transmission channel",
    "421 Service not available for 203.0.113.7",
    "421 4.3.2 [203.0.113.7] system shutting down",
    "450 4.3.2 your host has to wait for our backup",
    "554 5.3.2 your IP, our maintenance",
    "421 4.7.0 too many connections from your host [203.0.113.7]",
    "450 4.7.1 Greylisted, [203.0.113.7] please try again in 300 seconds",
    "450 4.7.1 Client host rejected: try again later",
    "502 5.5.1 Command not implemented: EHLO probe.lab.test",
    "500 5.5.1 Command unrecognized: EHLO probe.lab.test",
    "554 5.7.1 198.51.100.25 takes no mail",
    "554 5.7.1 only 40.92.0.0/15 may connect",
    "554 5.7.1 version 1.2.3 of 10:30 takes no mail",
    "554 5.7.1 otherprobe.lab.test.example takes no mail",
]


@pytest.mark.parametrize(("reply", "about"), OF_THIS_MACHINE)
def test_a_refusal_of_this_machine_is_known_by_what_it_speaks_of(reply: str, about: About) -> None:
    assert refuses_client(reply, OWN, PEER, NAME) == about


@pytest.mark.parametrize("reply", OF_ANYBODY)
def test_a_refusal_that_may_be_of_anybody_says_nothing_of_this_machine(reply: str) -> None:
    assert refuses_client(reply, OWN, PEER, NAME) is None


def test_a_name_without_a_dot_may_be_a_word_of_the_sentence() -> None:
    assert refuses_client("550 5.7.1 no mail here", OWN, PEER, "mail") is None
    assert refuses_client("550 5.7.1 <mail> is refused", OWN, PEER, "mail") == "name"
    assert refuses_client("550 5.7.1 () is refused", OWN, PEER, "") is None


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("450 4.7.1 Greylisted", {Clue.GREYLISTING}),
        ("451 4.7.1 graylisting in action, please come back later", {Clue.GREYLISTING, Clue.COME_AGAIN}),
        ("450 4.7.1 try again in 300 seconds", {Clue.COME_AGAIN}),
        ("554 5.7.1 do not try again later", set()),
        ("554 5.7.1 greylisted for good", set()),
    ],
)
def test_only_what_is_refused_for_now_may_come_again(reply: str, found: set[Clue]) -> None:
    assert set(clues(reply)) == found


def test_hostile_text_costs_little() -> None:
    started = time.thread_time()
    for piece in ("1.", "a:", "*", "dynamic ", "try ", "[1.2.3.4", "::"):
        refuses_client("554 5.7.1 " + piece * 150, OWN, PEER, NAME)
    assert time.thread_time() - started < 0.2
