"""Whose fault is it? The control host is asked before the customer is blamed, and its clock before a date is (contract 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.namespaces.network import CONTROL, CONTROL_BANNER, CONTROL_NAME, HERE, HOST, HOST6, OTHER, WORLD, Network, filtered

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


# --- one IP version that does not work here ---

CONTROL6, OTHER6 = "2620:4f:8000::6", "2620:4f:8000::2"
BOTH: Mapping[str, Any] = {
    "dns": {
        "mail.example.test": [f"A {HOST}", f"AAAA {HOST6}"],
        "six.example.test": [f"AAAA {HOST6}"],
        CONTROL_NAME: [f"A {CONTROL}", f"AAAA {CONTROL6}"],
    },
    "mail": {HOST: {}, CONTROL: {"banner": CONTROL_BANNER}},
}
SIX = f"""
ip -6 addr add {HOST6}/128 dev lo nodad
ip -6 addr add {CONTROL6}/128 dev lo nodad
"""
IPV6 = "meta nfproto ipv6 tcp dport 25"
HERE_DROPPED = [f"{IPV6} drop", f"{IPV6} reject with tcp reset", f"{IPV6} reject with icmpx admin-prohibited"]


@pytest.mark.parametrize("rule", HERE_DROPPED)
def test_ipv6_that_fails_here_for_the_control_host_too_is_not_tested(rule: str, tmp_path: Path) -> None:
    """The server is sound: every path over IPv6 fails, and so does the control host over IPv6, asked twice."""
    counted_rule = f'meta nfproto ipv6 ip6 daddr {CONTROL6} tcp flags syn counter name "control"'
    seen = Network(tmp_path, before=HERE + SIX, after=filtered(counted_rule, rule), world=BOTH).run(
        ["mail.example.test"], control=CONTROL_NAME
    )
    assert seen.answer.verdict == ("healthy", None, None)
    assert seen.answer.paths == [(HOST6, "vantage-no-ipv6"), (HOST, None)]
    assert "paths-not-tested" in seen.answer.warnings
    assert seen.answer.packets["control"] >= 2
    assert "published with an IPv6" not in seen.answer.out
    assert seen.sessions[CONTROL] == []


def test_ipv6_alone_that_fails_here_is_not_the_servers_fault(tmp_path: Path) -> None:
    """No other path works; the control host shows that IPv4 does and IPv6 does not."""
    seen = Network(tmp_path, before=HERE + SIX, after=filtered(f"{IPV6} drop"), world=BOTH).run(
        ["six.example.test"], control=CONTROL_NAME
    )
    assert seen.answer.verdict == ("unknown", None, "vantage-no-ipv6")


def test_ipv4_that_fails_here_for_the_control_host_too_is_not_tested(tmp_path: Path) -> None:
    world = {**BOTH, "mail": {HOST6: {}, CONTROL6: {"banner": CONTROL_BANNER}}}
    rule = filtered("meta nfproto ipv4 tcp dport 25 drop")
    answer = Network(tmp_path, before=HERE + SIX, after=rule, world=world).run(["mail.example.test"], control=CONTROL_NAME).answer
    assert answer.verdict == ("healthy", None, None)
    assert answer.paths == [(HOST6, None), (HOST, "vantage-no-route")]


@pytest.mark.parametrize(
    "dns",
    [BOTH["dns"], {**BOTH["dns"], CONTROL_NAME: [f"A {CONTROL}"]}],
    ids=["the control host answers over IPv6", "it has no IPv6"],
)
def test_ipv6_that_fails_for_the_server_alone_is_the_servers_fault(dns: Mapping[str, Any], tmp_path: Path) -> None:
    world = {"dns": dns, "mail": {HOST: {}, CONTROL: {"banner": CONTROL_BANNER}, CONTROL6: {"banner": CONTROL_BANNER}}}
    answer = Network(tmp_path, before=HERE + SIX, world=world).run(["mail.example.test"], control=CONTROL_NAME).answer
    assert answer.verdict == ("degraded", "450 4.4.316", "tcp-refused")


def test_one_path_of_the_run_over_ipv6_is_proof_enough_that_it_works(tmp_path: Path) -> None:
    """The control host is not asked over IPv6 where another target got through."""
    dns = {**BOTH["dns"], "fine.example.test": [f"AAAA {OTHER6}"]}
    world = {"dns": dns, "mail": {HOST: {}, OTHER6: {}, CONTROL: {"banner": CONTROL_BANNER}}}
    before = HERE + SIX + f"ip -6 addr add {OTHER6}/128 dev lo nodad\n"
    rules = filtered(f'ip6 daddr {CONTROL6} tcp flags syn counter name "control"', f"ip6 daddr {HOST6} tcp dport 25 drop")
    answer = (
        Network(tmp_path, before=before, after=rules, world=world)
        .run(["mail.example.test", "fine.example.test"], control=CONTROL_NAME)
        .answer
    )
    assert [r["reason"] for r in answer.results] == ["tcp-timeout", None]
    assert answer.packets["control"] == 0


# --- the control host alone is down ---


def test_a_path_past_tcp_refutes_that_port_25_is_blocked_and_the_control_host_is_said_to_be_down(tmp_path: Path) -> None:
    world = {
        "dns": {"dead.example.test": [f"A {HOST}"], "fine.example.test": [f"A {OTHER}"], CONTROL_NAME: [f"A {CONTROL}"]},
        "mail": {OTHER: {}},
        "connectors": [
            {"Name": "dead", "Guid": "6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11", "SmartHosts": ["dead.example.test"]},
            {"Name": "fine", "SmartHosts": ["fine.example.test"]},
        ],
    }
    answer = Network(tmp_path, world=world).run([], control=CONTROL_NAME).answer
    dead, fine = answer.results
    assert (dead["verdict"], dead["code"], dead["reason"]) == REFUSED
    assert [w["id"] for w in dead["warnings"]] == ["control-host-down"]
    assert (fine["verdict"], fine["warnings"]) == ("healthy", [])
    assert dead["fix_now"]["offered"] is False
    assert "control host" in dead["fix_now"]["why"]


def test_a_path_over_the_other_ip_version_refutes_nothing(tmp_path: Path) -> None:
    world = {
        "dns": {"dead.example.test": [f"A {HOST}"], "fine.example.test": [f"AAAA {HOST6}"], CONTROL_NAME: [f"A {CONTROL}"]},
        "mail": {HOST6: {}},
    }
    answer = (
        Network(tmp_path, before=HERE + SIX, world=world)
        .run(["dead.example.test", "fine.example.test"], control=CONTROL_NAME)
        .answer
    )
    assert [r["reason"] for r in answer.results] == ["vantage-port-25-blocked", None]
