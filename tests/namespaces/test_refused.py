"""What must not be probed is not: not one packet goes to a refused address, whoever names it and however it is written."""

from pathlib import Path

import pytest

from tests.namespaces.network import HERE, HOST, HOST6, OTHER, Network, filtered

pytestmark = pytest.mark.needs("namespaces", "nft", "ip")

# everything that would leave is routed into a pair of interfaces of our own, so a packet that is sent is counted
EVERYWHERE = """
ip link add out type veth peer name nowhere
ip link set out up
ip link set nowhere up
ip addr add 198.51.100.1/24 dev out
ip route add default dev out
ip -6 route add default dev out
"""
COUNTED = filtered('tcp flags syn counter name "requests"', 'meta oifname "out" counter name "left"', hook="output")
# IPv6 sends packets of its own accord (neighbours, routers); they are no request of ours
COUNTED = COUNTED.replace('meta oifname "out"', 'meta oifname "out" meta l4proto != ipv6-icmp')

REFUSED = {
    "loopback": "127.0.0.1",
    "loopback-other": "127.99.1.2",
    "loopback-6": "::1",
    "rfc1918-10": "10.1.2.3",
    "rfc1918-172": "172.16.9.9",
    "rfc1918-192": "192.168.1.1",
    "unique-local": "fd12:3456::1",
    "cgnat": "100.64.0.1",
    "link-local": "169.254.10.10",
    "link-local-6": "fe80::1",
    "metadata": "169.254.169.254",
    "metadata-6": "fd00:ec2::254",
    "metadata-azure": "168.63.129.16",
    "metadata-ecs": "169.254.170.2",
    "metadata-eks": "169.254.170.23",
    "metadata-eks-6": "fd00:ec2::23",
    "metadata-google-6": "fd20:ce::254",
    "metadata-alibaba": "100.100.100.200",
    "protocol-assignments": "192.0.0.8",
    "mapped": "::ffff:10.0.0.1",
    "nat64": "64:ff9b::a00:1",
    "nat64-local": "64:ff9b:1::a00:1",
    "6to4": "2002:a00:1::",
    "teredo": "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "unspecified": "0.0.0.0",
    "unspecified-6": "::",
    "multicast": "224.0.0.1",
    "multicast-6": "ff02::1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "6to4-relay": "192.88.99.1",
    "documentation": "203.0.113.5",
    "documentation-6": "2001:db8::5",
    "benchmark": "198.18.0.1",
    "site-local": "fec0::1",
}
NEVER = [name for name in REFUSED if name.startswith(("metadata", "unspecified", "multicast", "broadcast"))]


def record(address: str) -> str:
    return f"{'AAAA' if ':' in address else 'A'} {address}"


WORLD = {"dns": {f"{name}.example.test": [record(address)] for name, address in REFUSED.items()}}


def test_no_packet_goes_to_a_refused_address(tmp_path: Path) -> None:
    """As a literal, and as what a name resolves to."""
    literals = list(REFUSED.values())
    names = list(WORLD["dns"])
    answer = Network(tmp_path, before=EVERYWHERE + COUNTED, world=WORLD).run([*literals, *names]).answer
    assert len(answer.results) == len(literals) + len(names)
    for result in answer.results:
        assert (result["verdict"], result["reason"]) == ("unknown", "address-not-public"), result["target"]
        tcp = next(step for step in result["paths"][0]["steps"] if step["step"] == "tcp")
        assert tcp["status"] == "skipped", result["target"]
    assert answer.packets == {"requests": 0, "left": 0}
    assert answer.exit_code == 3


def test_what_no_setting_allows_stays_refused(tmp_path: Path) -> None:
    names = [f"{name}.example.test" for name in NEVER] + [REFUSED[name] for name in NEVER]
    network = Network(tmp_path, before=EVERYWHERE + COUNTED, world=WORLD)
    seen = network.run(["--allow-private", *names], ["--allow-net", "169.254.0.0/16", "--allow-net", "fd00::/8", *names])
    for answer in seen.answers:
        assert {r["reason"] for r in answer.results} == {"address-not-public"}
        assert answer.packets == {"requests": 0, "left": 0}


def test_what_the_owner_allows_is_probed_and_counted(tmp_path: Path) -> None:
    """The counter counts: the same addresses, allowed."""
    network = Network(tmp_path, before=EVERYWHERE + COUNTED, world=WORLD)
    all_of_them, one_net = network.run(
        ["--allow-private", "rfc1918-10.example.test"], ["--allow-net", "10.0.0.0/8", "10.1.2.3", "192.168.1.1"]
    ).answers
    assert all_of_them.packets["requests"] > 0
    assert one_net.packets["requests"] > 0
    assert [r["reason"] == "address-not-public" for r in one_net.results] == [False, True]


def test_a_private_address_beside_a_public_one_is_left_out(tmp_path: Path) -> None:
    """By A, by MX and by CNAME: the public ones are still tested."""
    world = {
        "dns": {
            "both.example.test": [f"A {HOST}", "A 10.0.0.7"],
            "mx.example.test": ["MX 10 inside.example.test", "MX 20 mail.example.test"],
            "inside.example.test": ["A 127.0.0.1"],
            "mail.example.test": [f"A {HOST}"],
            "alias.example.test": ["CNAME inside.example.test"],
        },
        "mail": {HOST: {}},
    }
    before = HERE + EVERYWHERE + filtered('ip daddr { 10.0.0.7, 127.0.0.1 } tcp flags syn counter name "requests"', hook="output")
    both, mx, alias = (
        Network(tmp_path, before=before, world=world)
        .run(["both.example.test"], ["mx.example.test"], ["alias.example.test"])
        .answers
    )
    for answer in (both, mx):
        assert answer.verdict == ("healthy", None, None)
        assert "paths-not-tested" in answer.warnings
    # no connector lists these names, so what an inside DNS says of them is not shown
    assert both.paths == [(None, "address-not-public"), (HOST, None)]
    assert mx.paths == [(None, "address-not-public"), (HOST, None)]
    assert alias.verdict == ("unknown", None, "address-not-public")
    for answer in (both, mx, alias):
        assert answer.packets["requests"] == 0
        assert "10.0.0.7" not in answer.out


def test_the_address_that_was_judged_is_the_one_connected_to(tmp_path: Path) -> None:
    """DNS rebinding: a public address first, loopback for whoever asks again."""
    world = {
        "dns": {
            "turns.example.test": [["0 A " + HOST], ["0 A 127.0.0.1"]],
            "turns6.example.test": [["0 AAAA " + HOST6], ["0 AAAA ::1"]],
        },
        "mail": {HOST: {}, "127.0.0.1": {}, HOST6: {}, "::1": {}},
    }
    before = HERE + f"ip -6 addr add {HOST6}/128 dev lo nodad\n" + filtered('tcp dport 25 counter name "mail"', hook="output")
    seen = Network(tmp_path, before=before, world=world).run(
        ["turns.example.test"], ["turns6.example.test"], ["turns.example.test"]
    )
    first, six, later = seen.answers
    assert first.verdict == six.verdict == ("healthy", None, None)
    assert first.paths == [(HOST, None)]
    assert six.paths == [(HOST6, None)]
    assert later.verdict == ("unknown", None, "address-not-public")
    assert later.packets["mail"] == 0
    assert {address: len(sessions) for address, sessions in seen.sessions.items()} == {
        HOST: 1,
        HOST6: 1,
        "127.0.0.1": 0,
        "::1": 0,
    }
    # one question each run: nothing is looked up again between the judgement and the connection
    assert seen.queries["turns.example.test", "A"] == 2
    assert seen.queries["turns6.example.test", "AAAA"] == 1


@pytest.mark.parametrize(
    "word", ["localhost", "0x7f.1", "127.1", "2130706433", "0177.0.0.1", "[::1]", "127.0.0.1:25", "fe80::1%lo"]
)
def test_no_spelling_of_loopback_gets_through(word: str, tmp_path: Path) -> None:
    """What the C library would take for an address is none here; a name is asked of the resolver alone, never of /etc/hosts."""
    world = {"dns": {"mail.example.test": [f"A {OTHER}"]}, "mail": {"127.0.0.1": {}}}
    before = HERE + filtered('tcp dport 25 counter name "mail"', hook="output")
    seen = Network(tmp_path, before=before, world=world).run([word])
    assert seen.answer.packets["mail"] == 0
    assert seen.sessions["127.0.0.1"] == []
    if word == "[::1]":
        assert seen.answer.result["reason"] == "address-not-public"
    else:
        assert seen.answer.exit_code == 2
        assert len(seen.answer.errors.splitlines()) == 1
        assert seen.answer.out == ""
