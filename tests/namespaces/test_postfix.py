"""A real mail server, and the verdict held against what that server's own probe says of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.lab.certificates import RECIPES
from tests.namespaces.network import Network, Seen
from tests.namespaces.postfix import finger, postfix

pytestmark = pytest.mark.needs("root", "ip", "postfix")

CASES = {
    "good": ("good-rsa", ("healthy", None, None), "Verified TLS connection established"),
    "no-tls": (None, ("failing", "450 4.4.317", "starttls-missing"), ""),
    "expired": ("expired", ("failing", "450 4.7.320", "certificate-expired"), "certificate has expired"),
    "other-name": ("name-mismatch", ("failing", "450 4.7.320", "certificate-name-mismatch"), "hostname mismatch"),
    "self-signed": ("self-signed", ("failing", "450 4.4.317", "certificate-untrusted"), "self-signed certificate"),
    "no-intermediate": (
        "missing-intermediate",
        ("failing", "450 4.4.317", "certificate-incomplete-chain"),
        "certificate verification failed",
    ),
}
ADDRESSES = {case: f"192.31.196.{number}" for number, case in enumerate(CASES, 20)}


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """One Postfix with a server for each case, all checked in one run. pytest's own folders are closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        folder = home / "postfix"
        servers = {ADDRESSES[case]: RECIPES[recipe] if recipe else None for case, (recipe, _, _) in CASES.items()}
        world = {
            "dns": {"mail.example.test": ["A 192.0.2.1"]}
            | {f"{case}.example.test": [f"A {address}"] for case, address in ADDRESSES.items()},
            "connectors": [
                {
                    "Name": case,
                    "SmartHosts": [f"{case}.example.test"],
                    "TlsSettings": "DomainValidation",
                    "TlsDomain": "mail.example.test",
                }
                for case in CASES
            ],
        }
        before = "\n".join(f"ip addr add {address}/32 dev lo" for address in servers)
        network = Network(home, before=before, world=world, daemons=[postfix(folder, servers)], as_root=True)
        probes = [finger(folder, address, "secure") for address in servers]
        yield network.run(["--ca-file", str(folder / "ca.pem")], commands=probes, timeout="5")


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_that_of_postfixs_own_probe(case: str, seen: Seen) -> None:
    _, verdict, words = CASES[case]
    result = next(r for r in seen.answer.results if r["target"] == case)
    assert (result["verdict"], result["code"], result["reason"]) == verdict, result["summary"]
    said = seen.said[list(CASES).index(case)]
    assert words in said, said
    assert bool(words) == ("TLS connection established" in said)  # without an offer it has nothing to say
