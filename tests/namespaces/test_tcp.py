"""What the network does to a connection request, by the kernel's own packet filter and routes."""

from pathlib import Path

import pytest

from tests.namespaces.network import HERE, HOST, HOST6, OTHER, WORLD, Network, filtered

pytestmark = pytest.mark.needs("namespaces", "nft", "ip")

PORT_25 = "tcp dport 25"
ROUTER = f"""
unshare --net bash -c 'echo up >FOLDER/up; exec sleep 60' </dev/null >/dev/null 2>&1 &
echo $! >FOLDER/router
until [[ -s FOLDER/up ]]; do sleep 0.02; done
ip link add near type veth peer name far netns $!
ip addr add 192.0.2.1/24 dev near
ip link set near up
nsenter --net=/proc/$!/ns/net bash -euc '
ip addr add 192.0.2.2/24 dev far
ip link set far up
ip link add sink type veth peer name drain
ip link set sink up
ip link set drain up
ip route add {HOST}/32 dev sink
echo 1 >/proc/sys/net/ipv4/ip_forward
RULES'
ip route add {HOST}/32 via 192.0.2.2
"""
"""A router between here and the server, which is never there."""


def behind_a_router(folder: Path, *rules: str) -> Network:
    """A network whose server is behind a router with these rules."""
    before = ROUTER.replace("RULES", filtered(*rules, hook="forward").replace("'END'", "END")).replace("FOLDER", str(folder))
    return Network(folder, before=before, end=f"kill $(cat {folder}/router)", world={"dns": WORLD["dns"]})


def test_a_dropped_request_is_a_timeout(tmp_path: Path) -> None:
    answer = Network(tmp_path, after=filtered(f"{PORT_25} drop")).run(["mail.example.test"]).answer
    assert answer.verdict == ("failing", "450 4.4.315", "tcp-timeout")
    assert answer.exit_code == 1
    assert answer.result["paths"][0]["steps"][1]["seconds"] == pytest.approx(1, abs=1)


@pytest.mark.parametrize("how", ["tcp reset", "icmpx port-unreachable"])
def test_a_refusal_is_told_without_claiming_how_it_came(how: str, tmp_path: Path) -> None:
    answer = Network(tmp_path, after=filtered(f"{PORT_25} reject with {how}")).run(["mail.example.test"]).answer
    assert answer.verdict == ("failing", "450 4.4.316", "tcp-refused")
    tcp = answer.result["paths"][0]["steps"][1]
    assert tcp["seconds"] < 1
    # both give ECONNREFUSED, so neither may be named
    for word in ("RST", "reset", "ICMP"):
        assert word not in tcp["detail"]


@pytest.mark.parametrize(
    ("how", "errno"), [("admin-prohibited", "EHOSTUNREACH"), ("host-unreachable", "EHOSTUNREACH"), ("no-route", "ENETUNREACH")]
)
def test_unreachable_as_a_router_on_the_way_says(how: str, errno: str, tmp_path: Path) -> None:
    answer = behind_a_router(tmp_path, f"tcp dport 25 reject with icmpx {how}").run(["mail.example.test"]).answer
    assert answer.verdict == ("failing", "450 4.4.315", "tcp-unreachable")
    tcp = answer.result["paths"][0]["steps"][1]
    assert tcp["seconds"] < 1
    assert errno in tcp["detail"]


def test_a_router_that_answers_for_the_server_refuses(tmp_path: Path) -> None:
    answer = behind_a_router(tmp_path, "tcp dport 25 reject with tcp reset").run(["mail.example.test"]).answer
    assert answer.verdict == ("failing", "450 4.4.316", "tcp-refused")


@pytest.mark.parametrize("kind", ["blackhole", "prohibit", "unreachable"])
def test_a_route_of_our_own_that_leads_nowhere_is_our_side(kind: str, tmp_path: Path) -> None:
    """Nothing is sent, so nothing is claimed, and the other path's verdict stands."""
    before = f"""
ip addr add {OTHER}/32 dev lo
ip route add {kind} {HOST}/32
""" + filtered(f'ip daddr {HOST} counter name "sent"', hook="output")
    world = {
        "dns": {"mail.example.test": [f"A {HOST}"], "two.example.test": [f"A {HOST}", f"A {OTHER}"]},
        "mail": {OTHER: {}},
    }
    one, two = Network(tmp_path, before=before, world=world).run(["mail.example.test"], ["two.example.test"]).answers
    assert one.verdict == ("unknown", None, "vantage-no-route")
    assert one.exit_code == 3
    assert two.verdict == ("healthy", None, None)
    assert two.warnings == {"paths-not-tested"}
    assert two.paths == [(HOST, "vantage-no-route"), (OTHER, None)]
    assert one.packets["sent"] == two.packets["sent"] == 0


@pytest.mark.parametrize("without", ["", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6\n"], ids=["no-route", "disabled"])
def test_no_ipv6_here_is_not_the_servers_fault(without: str, tmp_path: Path) -> None:
    world = {
        "dns": {"mail.example.test": [f"A {HOST}", f"AAAA {HOST6}"], "six.example.test": [f"AAAA {HOST6}"]},
        "mail": {HOST: {}},
    }
    both, six = Network(tmp_path, before=HERE + without, world=world).run(["mail.example.test"], ["six.example.test"]).answers
    assert both.verdict == ("healthy", None, None)
    assert both.warnings == {"paths-not-tested"}
    assert both.paths == [(HOST6, "vantage-no-ipv6"), (HOST, None)]
    assert both.exit_code == 0
    assert six.verdict == ("unknown", None, "vantage-no-ipv6")
    assert six.exit_code == 3


def test_both_families_from_outside_carry_no_warning(tmp_path: Path) -> None:
    """Addresses of the Internet: nothing of split horizon, nothing of inside."""
    before = HERE + f"ip -6 addr add {HOST6}/128 dev lo nodad\n"
    world = {"dns": {"mail.example.test": [f"A {HOST}", f"AAAA {HOST6}"]}, "mail": {HOST: {}, HOST6: {}}}
    answer = Network(tmp_path, before=before, world=world).run(["mail.example.test"]).answer
    assert answer.verdict == ("healthy", None, None)
    assert answer.warnings == set()
    assert answer.paths == [(HOST6, None), (HOST, None)]
    assert "inside" not in answer.result["summary"]


def test_a_dead_ipv6_address_beside_a_good_ipv4_one_is_named(tmp_path: Path) -> None:
    before = HERE + f"ip -6 addr add {HOST6}/128 dev lo nodad\n" + filtered("meta nfproto ipv6 tcp dport 25 drop")
    world = {"dns": {"mail.example.test": [f"A {HOST}", f"AAAA {HOST6}"]}, "mail": {HOST: {}}}
    answer = Network(tmp_path, before=before, world=world).run(["mail.example.test"]).answer
    assert answer.verdict == ("degraded", "450 4.4.315", "tcp-timeout")
    assert answer.paths == [(HOST6, "tcp-timeout"), (HOST, None)]
    assert {c["id"]: c["likelihood"] for c in answer.result["causes"]}["ipv6-dead"] == "confirmed"


def test_large_packets_that_vanish_are_a_failed_handshake(tmp_path: Path) -> None:
    """A black hole for what is larger than 600 bytes: the small words of SMTP pass, the certificate does not."""
    world = {**WORLD, "connectors": [{"Name": "to them", "SmartHosts": ["mail.example.test"], "TlsSettings": "EncryptionOnly"}]}
    answer = Network(tmp_path, after=filtered("tcp sport 25 meta length > 600 drop"), world=world).run([]).answer
    assert answer.verdict == ("failing", "450 4.4.317", "tls-handshake")
    assert answer.seconds < 6


def test_a_full_queue_is_a_timeout(tmp_path: Path) -> None:
    world = {**WORLD, "mail": {HOST: {"behaviour": "black-hole"}}}
    answer = Network(tmp_path, world=world).run(["mail.example.test"]).answer
    assert answer.verdict == ("failing", "450 4.4.315", "tcp-timeout")
