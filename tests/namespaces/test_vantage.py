"""Whose fault is it? The control host is asked before the customer is blamed, and its clock before a date is (contract 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.namespaces.network import CONTROL, CONTROL_BANNER, CONTROL_NAME, HERE, HOST, OTHER, WORLD, Network, filtered

pytestmark = pytest.mark.needs("namespaces", "nft", "ip")

REFUSED = ("failing", "450 4.4.316", "tcp-refused")


def with_control(**control: Any) -> Mapping[str, Any]:
    """Nothing listens on the target; the control host is as told."""
    return {**WORLD, "mail": {CONTROL: {"banner": CONTROL_BANNER, **control}}}


def test_a_claim_stands_when_the_control_host_answers(tmp_path: Path) -> None:
    seen = Network(tmp_path, world=with_control()).run(["mail.example.test"], control=CONTROL_NAME)
    assert seen.answer.verdict == REFUSED
    assert [[line.split()[0] for line in lines] for lines in seen.sessions[CONTROL]] == [["EHLO", "QUIT"]]


def test_a_healthy_server_needs_no_control(tmp_path: Path) -> None:
    seen = Network(tmp_path).run(["mail.example.test"], control=CONTROL_NAME)
    assert seen.answer.verdict == ("healthy", None, None)
    assert seen.sessions[CONTROL] == []


@pytest.mark.parametrize("hook", ["input", "output"])
@pytest.mark.parametrize("rule", ["drop", "reject with tcp reset", "reject with icmpx admin-prohibited"])
def test_port_25_blocked_here_is_our_side(rule: str, hook: str, tmp_path: Path) -> None:
    """Whatever the way in which it is blocked, on this machine or near it."""
    answer = (
        Network(tmp_path, after=filtered(f"tcp dport 25 {rule}", hook=hook))
        .run(["mail.example.test"], control=CONTROL_NAME)
        .answer
    )
    assert answer.verdict == ("unknown", None, "vantage-port-25-blocked")
    assert answer.exit_code == 3
    assert answer.result["fix_now"]["offered"] is False


@pytest.mark.parametrize(
    "control",
    [
        {"banner": "220 proxy.hotel.example ESMTP"},
        {"banner": "554 proxy.hotel.example no mail from here"},
        {"behaviour": "no-starttls"},
        {"behaviour": "inspected"},
        {"behaviour": "banner-http"},
    ],
    ids=["somebody-else", "somebody-else-refuses", "starttls-stripped", "inspected", "not-smtp"],
)
def test_a_middlebox_that_answers_for_the_control_host_is_our_side(control: dict[str, Any], tmp_path: Path) -> None:
    answer = Network(tmp_path, world=with_control(**control)).run(["mail.example.test"], control=CONTROL_NAME).answer
    assert answer.verdict == ("unknown", None, "vantage-port-25-intercepted")
    assert answer.exit_code == 3


def test_a_path_that_works_is_proof_enough_against_a_block(tmp_path: Path) -> None:
    """Degraded: port 25 works from here, as the good path shows, so the control host is not asked."""
    world = {
        "dns": {"two.example.test": [f"A {HOST}", f"A {OTHER}"], CONTROL_NAME: [f"A {CONTROL}"]},
        "mail": {HOST: {}, CONTROL: {"banner": CONTROL_BANNER}},
    }
    seen = Network(tmp_path, world=world).run(["two.example.test"], control=CONTROL_NAME)
    assert seen.answer.verdict == ("degraded", "450 4.4.316", "tcp-refused")
    assert seen.sessions[CONTROL] == []


@pytest.mark.parametrize("how", ["silent", "servfail"])
def test_a_resolver_that_answers_nothing_is_our_side(how: str, tmp_path: Path) -> None:
    world = {"dns": {"mail.example.test": how, CONTROL_NAME: how}}
    answer = Network(tmp_path, world=world).run(["mail.example.test"], control=CONTROL_NAME).answer
    assert answer.verdict == ("unknown", None, "vantage-dns")
    assert answer.exit_code == 3


@pytest.mark.parametrize("rule", ["drop", "reject"])
def test_a_resolver_that_is_not_there_is_our_side(rule: str, tmp_path: Path) -> None:
    answer = (
        Network(tmp_path, after=filtered(f"udp dport 53 {rule}"))
        .run(["mail.example.test", "--dns", OTHER], control=CONTROL_NAME)
        .answer
    )
    assert answer.verdict == ("unknown", None, "vantage-dns")


@pytest.mark.parametrize(("how", "reason"), [("silent", "dns-timeout"), ("servfail", "dns-server-failure")])
def test_a_zone_that_fails_alone_is_the_zones_fault(how: str, reason: str, tmp_path: Path) -> None:
    world = {"dns": {"mail.example.test": how, CONTROL_NAME: [f"A {CONTROL}"]}, "mail": {CONTROL: {"banner": CONTROL_BANNER}}}
    answer = Network(tmp_path, world=world).run(["mail.example.test"], control=CONTROL_NAME).answer
    assert answer.verdict == ("failing", "450 4.4.312", reason)


@pytest.mark.parametrize(
    ("off", "seen"),
    [
        (timedelta(), ("failing", "450 4.7.320", "certificate-expired")),
        (timedelta(days=-10), ("unknown", None, "vantage-clock")),
        (timedelta(minutes=-2), ("failing", "450 4.7.320", "certificate-expired")),
    ],
    ids=["right", "ten-days-off", "within-the-margin"],
)
def test_an_expiry_is_not_claimed_by_a_clock_that_is_wrong(
    off: timedelta, seen: tuple[str, str | None, str | None], tmp_path: Path
) -> None:
    """The control host tells its time in its banner, as Exchange does."""
    says = f"{CONTROL_BANNER} at {format_datetime(datetime.now(UTC) + off)}"
    world = {
        **WORLD,
        "mail": {HOST: {"certificate": "expired"}, CONTROL: {"banner": says}},
        "connectors": [{"Name": "them", "SmartHosts": ["mail.example.test"], "TlsSettings": "CertificateValidation"}],
    }
    answer = Network(tmp_path, world=world).run([], control=CONTROL_NAME).answer
    assert answer.verdict == seen


@pytest.mark.parametrize(
    ("prefix", "own"), [("64:ff9b::", []), ("2620:4f:8000:64::", ["AAAA 2620:4f:8000:64::192.0.0.170"])], ids=["known", "own"]
)
def test_an_address_that_this_networks_dns64_made_up_is_no_path(prefix: str, own: list[str], tmp_path: Path) -> None:
    """Its way is dead here; the domain publishes IPv4 alone, and that works."""
    dns = {"mail.example.test": [f"A {HOST}", f"AAAA {prefix}{HOST}"], "ipv4only.arpa": ["A 192.0.0.170", *own]}
    world = {"dns": dns, "mail": {HOST: {}}}
    answer = Network(tmp_path, world=world).run(["mail.example.test"]).answer
    assert answer.verdict == ("healthy", None, None)
    assert answer.paths == [(HOST, None)]


def test_a_control_host_without_ipv6_here_is_asked_over_ipv4(tmp_path: Path) -> None:
    dns = {**WORLD["dns"], CONTROL_NAME: [f"A {CONTROL}", "AAAA 2620:4f:8000::6"]}
    answer = Network(tmp_path, before=HERE, world={**with_control(), "dns": dns}).run(["mail.example.test"], control=CONTROL_NAME)
    assert answer.answer.verdict == REFUSED
