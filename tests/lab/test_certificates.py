"""Each certificate is sound, or broken in the one way that its name says; OpenSSL's own verifier is the judge."""

import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from bot.demo.lab.certificates import HOSTILE, RECIPES, Recipe, ca_pem, issue
from bot.demo.lab.contexts import Contexts

NAME = "mx.lab.test"

VERDICTS = {
    "good": "",
    "good-rsa": "",
    "good-ed25519": "",
    "good-p521": "",
    "good-with-root": "",
    "wrong-order": "",
    "wildcard": "",
    "cn-only": "Hostname mismatch, certificate is not valid for 'mx.lab.test'.",
    "expiring": "",
    "expired": "certificate has expired",
    "expired-intermediate": "certificate has expired",
    "not-yet-valid": "certificate is not yet valid",
    "self-signed": "self-signed certificate",
    "unknown-root": "self-signed certificate in certificate chain",
    "unknown-root-not-sent": "unable to get local issuer certificate",
    "missing-intermediate": "unable to get local issuer certificate",
    "name-mismatch": "Hostname mismatch, certificate is not valid for 'mx.lab.test'.",
    "rsa-1024": "EE certificate key too weak",
    "sha1": "CA signature digest algorithm too weak",
    "md5": "CA signature digest algorithm too weak",
    "wrong-eku": "unsuitable certificate purpose",
    "no-eku": "",
    "ca-flag-missing": "invalid CA certificate",
    "name-constraints": "permitted subtree violation",
    "unknown-critical-extension": "unhandled critical extension",
    "long-chain": "",
    "very-long-chain": "",
    "many-sans": "",
    "too-many-sans": "excessive message size",
    "hostile-subject": "",
    "nul-in-san": "Hostname mismatch, certificate is not valid for 'mx.lab.test'.",
}
"""What OpenSSL says at its security level 2, the name included; nothing: it is content."""


def verdict(server: ssl.SSLContext, name: str = NAME) -> str:
    """A handshake in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=ca_pem().decode())
    client.hostname_checks_common_name = False
    client.set_ciphers("DEFAULT:@SECLEVEL=2")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname=name)
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error.verify_message)
            except ssl.SSLError as error:
                return str(error.reason).lower().replace("_", " ")
    assert ours.version() == "TLSv1.3"
    return ""


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_is_what_it_is_called(name: str, tmp_path: Path) -> None:
    assert verdict(Contexts(tmp_path).get(RECIPES[name], (NAME,))) == VERDICTS[name]


def leaf(name: str) -> x509.Certificate:
    return issue(RECIPES[name], (NAME,)).chain[0]


def sans(certificate: x509.Certificate) -> list[object]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [name.value for name in names]


def test_what_openssl_does_not_tell() -> None:
    assert sans(leaf("wildcard")) == ["*.lab.test"]
    assert len(sans(leaf("many-sans"))) == 3001
    assert "\x00" in str(sans(leaf("nul-in-san"))[0])
    assert leaf("hostile-subject").subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value == HOSTILE
    assert leaf("cn-only").subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == NAME
    with pytest.raises(x509.ExtensionNotFound):
        sans(leaf("cn-only"))
    expiring = leaf("expiring")
    assert 99 < (expiring.not_valid_after_utc - expiring.not_valid_before_utc).days / 0.7 < 101
    assert [len(issue(RECIPES[name], (NAME,)).chain) for name in ("long-chain", "very-long-chain")] == [13, 51]
    signed = leaf("sha1").signature_hash_algorithm
    assert signed
    assert signed.name == "sha1"


def test_a_table_changes_a_recipe() -> None:
    recipe = Recipe.from_table({"recipe": "expired", "names": ["192.0.2.1", "a.test"], "days": [-3, -1]})
    assert recipe == Recipe(names=("192.0.2.1", "a.test"), days=(-3, -1))
    assert sans(issue(recipe, (NAME,)).chain[0]) == [ipaddress.ip_address("192.0.2.1"), "a.test"]


def test_keys_and_authorities_are_made_once() -> None:
    first, second = issue(RECIPES["good-rsa"], (NAME,)), issue(RECIPES["good-rsa"], (NAME,))
    assert first.key is second.key
    assert first.chain[1] == second.chain[1]


def test_private_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    Contexts(tmp_path).get(RECIPES["good"], (NAME,))
    assert [file.stat().st_mode & 0o777 for file in tmp_path.glob("server-*.pem")] == [0o600]
