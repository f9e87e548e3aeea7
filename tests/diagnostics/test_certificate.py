"""The chain as sent, judged: each fault of contract 4, and their order of contract 3."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from bot.demo.lab.certificates import RECIPES, Recipe, ca_pem, issue
from diagnostics.findings import CERTIFICATE, Reason, Warn
from diagnostics.model import Certificate
from diagnostics.probes.certificate import judge
from diagnostics.probes.trust import TrustFault, TrustStore
from tests.agreement.certificate_factory import Made, key, make
from tests.agreement.chains import MID, ROOT, TWO_SANS, ca, leaf
from tests.agreement.peers import pem
from tests.diagnostics.making import CATALOGUE

NAME = "mail.lab.test"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    file = tmp_path_factory.mktemp("roots") / "ca.pem"
    file.write_bytes(ca_pem())
    return TrustStore(file)


def judged(
    trust: TrustStore, recipe: Recipe, wanted: str | None = None, now: datetime | None = None
) -> tuple[Certificate | None, list[Reason], list[str]]:
    """(facts, faults in order, evidence) of a certificate of that recipe for mail.lab.test."""
    chain = [c.public_bytes(Encoding.DER) for c in issue(recipe, (NAME,)).chain]
    facts, findings = judge(chain, trust, wanted, now or datetime.now(UTC))
    return facts, [f.tag for f in findings if isinstance(f.tag, Reason)], [CATALOGUE.evidence(f) for f in findings]


SOUND = ["good", "good-rsa", "good-p521", "good-ed25519", "good-with-root", "wrong-order", "wildcard", "cn-only", "expiring"]
SOUND += ["no-eku", "long-chain", "very-long-chain", "many-sans"]

BROKEN = {
    "expired": Reason.CERTIFICATE_EXPIRED,
    "expired-intermediate": Reason.CERTIFICATE_EXPIRED,
    "not-yet-valid": Reason.CERTIFICATE_NOT_YET_VALID,
    "self-signed": Reason.CERTIFICATE_UNTRUSTED,
    "unknown-root": Reason.CERTIFICATE_UNTRUSTED,
    "unknown-root-not-sent": Reason.CERTIFICATE_INCOMPLETE_CHAIN,
    "missing-intermediate": Reason.CERTIFICATE_INCOMPLETE_CHAIN,
    "rsa-1024": Reason.CERTIFICATE_WEAK,
    "sha1": Reason.CERTIFICATE_WEAK,
    "md5": Reason.CERTIFICATE_WEAK,
    "wrong-eku": Reason.CERTIFICATE_INVALID,
    "ca-flag-missing": Reason.CERTIFICATE_INVALID,
    "name-constraints": Reason.CERTIFICATE_INVALID,
    "unknown-critical-extension": Reason.CERTIFICATE_INVALID,
}


@pytest.mark.parametrize("recipe", SOUND)
def test_a_sound_certificate_has_no_fault(trust: TrustStore, recipe: str) -> None:
    assert judged(trust, RECIPES[recipe], NAME)[1] == []


@pytest.mark.parametrize(("recipe", "reason"), BROKEN.items())
def test_each_fault_is_told_alone(trust: TrustStore, recipe: str, reason: Reason) -> None:
    _, faults, said = judged(trust, RECIPES[recipe])
    assert faults == [reason]
    assert all(line.isprintable() for line in said)


def test_every_recipe_is_judged_here() -> None:
    assert set(RECIPES) == {*SOUND, *BROKEN, "name-mismatch", "nul-in-san", "hostile-subject", "too-many-sans"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_certificate_has_readable_facts(trust: TrustStore, recipe: str) -> None:
    facts, _, said = judged(trust, RECIPES[recipe], NAME)
    assert facts is not None
    shown = [facts.subject, facts.issuer, facts.key, facts.signature, *facts.sans, *facts.chain, *said]
    assert all(text.isprintable() for text in shown)
    assert len(facts.sans) <= 10
    assert (len(facts.sha1), len(facts.sha256)) == (40, 64)


RANKED: list[tuple[dict[str, Any], Sequence[Reason]]] = [
    (
        {"issuer": "self", "days": (-60, -2)},
        [Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"sends": "leaf", "days": (2, 60)},
        [Reason.CERTIFICATE_INCOMPLETE_CHAIN, Reason.CERTIFICATE_NOT_YET_VALID, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"usage": "client", "days": (-60, -2)},
        [Reason.CERTIFICATE_INVALID, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"key": "rsa-1024", "days": (-60, -2)},
        [Reason.CERTIFICATE_WEAK, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"issuer": "self", "key": "rsa-1024"},
        [Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_WEAK, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    ({"issuer": "expired-intermediate"}, [Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH]),
    (
        {"issuer": "expired-intermediate", "sends": "leaf"},
        [Reason.CERTIFICATE_INCOMPLETE_CHAIN, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"issuer": "constrained", "days": (-60, -2)},
        [Reason.CERTIFICATE_INVALID, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
    (
        {"issuer": "not-a-ca", "key": "rsa-1024"},
        [Reason.CERTIFICATE_INVALID, Reason.CERTIFICATE_WEAK, Reason.CERTIFICATE_NAME_MISMATCH],
    ),
]


@pytest.mark.parametrize(("changes", "ranked"), RANKED)
def test_several_faults_are_ranked(trust: TrustStore, changes: dict[str, Any], ranked: list[Reason]) -> None:
    _, faults, _ = judged(trust, Recipe(**changes), "other.example")
    assert faults == ranked
    assert faults == [r for r in CERTIFICATE if r in faults]


@pytest.mark.parametrize(
    ("recipe", "wanted", "fits"),
    [
        (Recipe(), NAME, True),
        (Recipe(), "*.lab.test", True),
        (Recipe(), "lab.test", False),
        (Recipe(wildcard=True), NAME, True),
        (Recipe(wildcard=True), "*.lab.test", True),
        (Recipe(with_san=False), NAME, True),
        (Recipe(with_san=False, common_name="other.example"), NAME, False),
        (Recipe(names=("other.example",), common_name=NAME), NAME, True),
        (Recipe(names=("other.example",), common_name="third.example"), NAME, False),
        (RECIPES["nul-in-san"], NAME, False),
        (RECIPES["nul-in-san"], "mail.elsewhere.example", False),
        (Recipe(names=("192.0.2.1",)), "192.0.2.1", True),
        (Recipe(), None, True),
    ],
)
def test_the_name_is_compared_with_what_was_wanted(trust: TrustStore, recipe: Recipe, wanted: str | None, fits: bool) -> None:
    facts, faults, _ = judged(trust, recipe, wanted)
    assert faults == ([] if fits else [Reason.CERTIFICATE_NAME_MISMATCH])
    assert facts is not None
    assert facts.wanted == wanted


@pytest.mark.parametrize(("days", "soon"), [(29.5, True), (10, True), (1, True), (31.5, False), (80, False)])
def test_an_expiry_within_thirty_days_is_a_warning(trust: TrustStore, days: float, soon: bool) -> None:
    chain = [c.public_bytes(Encoding.DER) for c in issue(Recipe(days=(-60, days)), (NAME,)).chain]
    _, findings = judge(chain, trust, NAME, datetime.now(UTC))
    assert [f.tag for f in findings] == ([Warn.CERTIFICATE_EXPIRES_SOON] if soon else [])


@pytest.mark.parametrize(
    ("days", "faults"), [(100, [Reason.CERTIFICATE_EXPIRED]), (0, []), (-100, [Reason.CERTIFICATE_NOT_YET_VALID])]
)
def test_the_clock_of_the_check_counts(tmp_path: Path, days: int, faults: list[Reason]) -> None:
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    assert judged(TrustStore(tmp_path / "ca.pem"), Recipe(), NAME, datetime.now(UTC) + timedelta(days=days))[1] == faults


def test_a_process_that_lives_for_long_judges_each_check_by_its_own_time(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    trust = TrustStore(tmp_path / "ca.pem")
    started = datetime.now(UTC) - timedelta(days=100)
    judged(trust, Recipe(), NAME, started)
    assert judged(trust, Recipe(), NAME, started + timedelta(days=100))[1] == []


@pytest.mark.parametrize("garbage", [[], [b""], [b"\x30\x03\x02\x01\x01"], [b"\xff" * 2000]])
def test_what_is_no_certificate_is_invalid(trust: TrustStore, garbage: list[bytes]) -> None:
    facts, findings = judge(garbage, trust, NAME, datetime.now(UTC))
    assert facts is None
    assert [f.tag for f in findings] == [Reason.CERTIFICATE_INVALID]


@pytest.fixture(scope="module")
def table_trust(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    file = tmp_path_factory.mktemp("roots") / "table.pem"
    file.write_text(pem([ROOT]), encoding="ascii")
    return TrustStore(file)


def test_what_cannot_be_read_is_told_without_a_librarys_words(trust: TrustStore) -> None:
    _, findings = judge([b"\x30\x03\x02\x01\x01"], trust, NAME, datetime.now(UTC))
    assert [CATALOGUE.evidence(f) for f in findings] == [
        "the certificate is not encoded as RFC 5280 requires, so nothing in it can be read"
    ]


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 2000, b"\x30\x03\x02\x01\x01"])
def test_garbage_beside_a_sound_chain_is_a_warning(trust: TrustStore, garbage: bytes) -> None:
    chain = [c.public_bytes(Encoding.DER) for c in issue(Recipe(), (NAME,)).chain]
    facts, findings = judge([*chain, garbage], trust, NAME, datetime.now(UTC))
    assert facts is not None
    assert [f.tag for f in findings] == [Warn.CERTIFICATE_UNNEEDED]


def test_two_sans_are_invalid_and_the_first_is_shown(table_trust: TrustStore) -> None:
    facts, findings = judge([TWO_SANS.der, MID.der], table_trust, NAME, datetime.now(UTC))
    assert facts is not None
    assert facts.sans == ("second.lab.test",)
    assert [f.tag for f in findings if isinstance(f.tag, Reason)] == [Reason.CERTIFICATE_INVALID]


def _counted(function: Callable[..., Any], name: str, calls: list[str]) -> Callable[..., Any]:
    def counted(*given: Any) -> Any:
        calls.append(name)
        return function(*given)

    return counted


def test_a_sound_chain_is_parsed_and_verified_once(trust: TrustStore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for owner, name in ((crypto.X509StoreContext, "get_verified_chain"), (crypto, "load_certificate")):
        monkeypatch.setattr(owner, name, _counted(getattr(owner, name), name, calls))
    chain = [c.public_bytes(Encoding.DER) for c in issue(Recipe(), (NAME,)).chain]
    judge(chain, trust, NAME, datetime.now(UTC))
    calls.clear()  # the root out of the store is read once a process
    judge(chain, trust, NAME, datetime.now(UTC))
    assert calls == ["load_certificate", "load_certificate", "get_verified_chain"]


def _mesh(*, key_ids: bool) -> list[Made]:
    """150 namesakes that sign each other, below a leaf: any number of paths."""
    keys = [key(f"mesh {number}", "p521") for number in range(12)]
    name = ca("Mesh").subject
    signers = [Made(b"", name, one) for one in keys]
    above = [
        make(name, signers[(n * 7 + 1) % 12], own=keys[n % 12], ca=True, key_ids=key_ids, days=(-9, 9 + n)) for n in range(150)
    ]
    return [leaf(signers[0], key_ids=key_ids), *above]


@pytest.mark.parametrize("key_ids", [True, False])
def test_a_mesh_of_namesakes_costs_little(table_trust: TrustStore, key_ids: bool) -> None:
    chain = [made.der for made in _mesh(key_ids=key_ids)]
    started = time.thread_time()
    _, findings = judge(chain, table_trust, NAME, datetime.now(UTC))
    assert time.thread_time() - started < 1.0  # 0.06 s; every path would take for ever
    assert findings[0].tag in (Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_INCOMPLETE_CHAIN)


@pytest.mark.parametrize("content", [b"", b"no certificates here"])
def test_roots_that_cannot_be_read_are_a_fault_of_this_machine(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(TrustFault, match=r"ca\.pem"):
        judged(TrustStore(file), Recipe())
