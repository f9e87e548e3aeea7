"""The table: chains as servers send them, what mailflow says of each, and where a peer says otherwise, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.agreement.certificate_factory import (
    ANY,
    CLIENT,
    CODE,
    INFORMATION,
    NAME,
    POLICIES,
    SERVER,
    STAPLE,
    Made,
    key,
    make,
    raw_san,
    tlv,
)

YEAR = 365.0
OLD, LATER = (-400.0, -3.0), (3.0, 400.0)

WINDOWS_PATHS = "Windows tries every path and takes the best; OpenSSL takes the first issuer that fits and does not come back"
MICROSOFT_NAME = "Microsoft compares the subject's name too, beside the SAN (words of the setting); OpenSSL only without a SAN"
TLS_DOMAIN = "a star counts for one whole label alone (RFC 9525); OpenSSL takes a part of one too"
ANY_PURPOSE = "RFC 5280 and Windows let anyExtendedKeyUsage count; OpenSSL wants serverAuth by name"
NO_STRENGTH = "Postfix runs OpenSSL at its first security level, which takes 80 bits; Exchange Online wants 112"


@dataclass(frozen=True)
class Row:
    """`faults`: the reasons that mailflow gives, whatever their order; `warns`: what it warns of besides.

    `trust` and `name`: who says otherwise on that ("openssl", "postfix"), and why.
    """

    chain: Sequence[Made]
    faults: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    trust: Mapping[str, str] = field(default_factory=dict)
    name: Mapping[str, str] = field(default_factory=dict)
    says: str = ""


def ca(name: str, issuer: Made | None = None, kind: str = "ec", **more: object) -> Made:
    own = more.pop("own", None) or key(name, kind)
    plain = {"ca": True, "days": (-YEAR, 5 * YEAR), "ku": "key_cert_sign crl_sign"}
    return make(name, issuer, own=own, **(plain | more))  # type: ignore[arg-type]


def leaf(issuer: Made | None, *, kind: str = "ec", cn: str | x509.Name = NAME, **more: object) -> Made:
    plain = {"sans": [NAME], "eku": [SERVER, CLIENT]}
    return make(cn, issuer, own=key("server", kind), **(plain | more))  # type: ignore[arg-type]


# --- who is trusted

ROOT = ca("Root A", kind="rsa")
ROOT_EC = ca("Root B", kind="p384")
ROOT_OLD = ca("Root Old", days=OLD)
ROOT_WEAK = ca("Root Weak", kind="rsa1024")
ROOT_SILENT = ca("Root Silent", key_ids=False)
TRUSTED = (ROOT, ROOT_EC, ROOT_OLD, ROOT_WEAK, ROOT_SILENT)

ROOT_AGAIN = ca("Root A", own=ROOT.key, days=(-90, 90))
ROOT_BEFORE = ca("Root A", own=ROOT.key, days=OLD)
UNKNOWN = ca("Root Unknown")
NAMESAKE = ca("Root A", own=key("a namesake of root A", "rsa"))

# --- who signs

MID = ca("Issuing R10", ROOT)
MID_RSA = ca("Issuing R11", ROOT, "rsa")
OTHER = ca("Issuing R3", ROOT)
MID_UNKNOWN = ca("Issuing Unknown", UNKNOWN)
MID_NAMESAKE = ca("Issuing R10", ROOT, own=key("another R10"))
SILENT = ca("Issuing Silent", ROOT_SILENT, key_ids=False)
SILENT_NAMESAKE = ca("Issuing Silent", ROOT_SILENT, own=key("another silent one"), key_ids=False)
DEEP = [MID]
for _level in range(4):
    DEEP.append(ca(f"Issuing Level {_level}", DEEP[-1]))

EDITION_OLD = ca("Issuing R10", ROOT, own=MID.key, days=OLD)
EDITION_BY_OLD_ROOT = ca("Issuing R10", ROOT_OLD, own=MID.key)
EDITION_BY_UNKNOWN = ca("Issuing R10", UNKNOWN, own=MID.key)
EDITION_RSA_SHA1 = ca("Issuing R11", ROOT, own=MID_RSA.key, signature="sha1")

CROSS_BY_UNKNOWN = ca("Root A", UNKNOWN, own=ROOT.key)
CROSS_SHA1 = ca("Root A", ca("Root Unknown RSA", kind="rsa"), own=ROOT.key, signature="sha1")
CROSS_BY_OLD = ca("Root A", ROOT_OLD, own=ROOT.key)
UNKNOWN_CROSSED = ca("Root Unknown", ROOT, own=UNKNOWN.key)
STRAY_CODE = ca("Code Signing CA", ROOT, eku=[CODE])
STRAY_OLD_ROOT = ca("Some Old Root", days=OLD)
STRAY_LATER = ca("Some Later CA", ROOT, days=LATER)
STRAY_LEAF = make("www.elsewhere.example", MID, sans=["www.elsewhere.example"], own=key("elsewhere"))
STRAY_UNREAD = make("Unread CA", ROOT, own=key("unread"), ca=True, edits=[(b"\x01\x01\xff", b"\x01\x01\x01")])

BOTH_TAKE_ONE = {"openssl": WINDOWS_PATHS, "postfix": WINDOWS_PATHS}
UNNEEDED, CN_ONLY = ("certificate-unneeded",), ("certificate-name-in-cn-only",)
UNTRUSTED, INCOMPLETE = "certificate-untrusted", "certificate-incomplete-chain"
INVALID, WEAK = "certificate-invalid", "certificate-weak"
EXPIRED, LATER_VALID, MISMATCH = "certificate-expired", "certificate-not-yet-valid", "certificate-name-mismatch"


BELOW_ZERO: dict[str, Any] = {
    "serial": 0x1122334455667788,
    "edits": [(bytes.fromhex("02081122334455667788"), bytes.fromhex("02089122334455667788"))],
}


def _common(*names: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])


def _teletex() -> x509.Name:
    kind = x509.name._ASN1Type.T61String
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "B\u00fcro", _type=kind),
        x509.NameAttribute(NameOID.COMMON_NAME, NAME),
    ])  # fmt: skip


def _constrained(**trees: str) -> Made:
    subtrees = {f"{kind}_subtrees": [x509.DNSName(tree)] for kind, tree in trees.items()}
    constraints = x509.NameConstraints(**({"permitted_subtrees": None, "excluded_subtrees": None} | subtrees))
    return ca(f"Issuing for {trees}", ROOT, more=[(constraints, True)])


def _with(oid: x509.ObjectIdentifier, content: bytes, *, critical: bool = False) -> Made:
    return leaf(MID, more=[(x509.UnrecognizedExtension(oid, content), critical)])


OTHER_NAME = (0xA0, tlv(6, b"\x2a\x03") + tlv(0xA0, b"\x0c\x02\xff\xfe"))


def _odd(*names: tuple[int, bytes]) -> Made:
    """A leaf with these in its SAN, and another common name."""
    return leaf(MID, sans=[], cn="lab", more=[(raw_san(*names), False)])


def _tampered() -> Made:
    sound = leaf(MID)
    return Made(sound.der[:-4] + bytes([sound.der[-4] ^ 1]) + sound.der[-3:], sound.subject, sound.key)


def _other_serial() -> Made:
    """The authority key identifier has the right key, but another certificate of the issuer."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(MID.key.public_key()).digest
    named = x509.AuthorityKeyIdentifier(key_id, [x509.DirectoryName(ROOT.subject)], 4711)
    return leaf(MID, key_ids=False, more=[(named, False)])


def _two_sans() -> Made:
    """A second SAN, which is made under an unused identifier of equal length: the library adds no extension twice."""
    second = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), tlv(0x30, tlv(0x82, b"second.lab.test")))
    return leaf(MID, more=[(second, False)], edits=[(bytes.fromhex("0603551d63"), bytes.fromhex("0603551d11"))])


TWO_SANS = _two_sans()
SELF = leaf(None)
SELF_CA = leaf(None, ca=True)
UNKNOWN_CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
NOT_A_CA = ca("Issuing Without Flag", ROOT, ca=False)
NO_BASICS = ca("Issuing Without Basics", ROOT, ca=None, ku="")
NO_SIGNING = ca("Issuing Without Signing", ROOT, ku="digital_signature")
SHORT = ca("Issuing Short", ROOT, path_length=0)
BELOW_SHORT = ca("Issuing Below Short", SHORT)
LONG = ca("Issuing Long", ROOT, path_length=1)
BELOW_LONG = ca("Issuing Below Long", LONG)
CLIENT_CA = ca("Issuing For Clients", ROOT, eku=[CLIENT])
CRITICAL_CA = ca("Issuing Critical", ROOT, more=[(UNKNOWN_CRITICAL, True)])
MID_OLD = ca("Issuing Expired", ROOT, days=OLD)
MID_LATER = ca("Issuing Later", ROOT, days=LATER)
BY_OLD_ROOT = ca("Issuing By Old Root", ROOT_OLD)
MID_SHA1 = ca("Issuing SHA-1", ROOT, signature="sha1")
MID_1024 = ca("Issuing 1024", ROOT, "rsa1024")
MID_DSA = ca("Issuing DSA", ROOT, "dsa")
MID_ED = ca("Issuing Ed25519", ROOT, "ed25519")
MID_P521 = ca("Issuing P-521", ROOT_EC, "p521")
PERMITS, OUTSIDE = _constrained(permitted="lab.test"), _constrained(permitted="elsewhere.example")
EXCLUDES = _constrained(excluded="lab.test")

ROWS: Mapping[str, Row] = {
    # keys and signatures
    "ECDSA": Row([leaf(MID), MID]),
    "RSA": Row([leaf(MID, kind="rsa"), MID]),
    "P-384": Row([leaf(MID, kind="p384"), MID]),
    "P-521 throughout": Row([leaf(MID_P521, kind="p521"), MID_P521]),
    "Ed25519 leaf": Row([leaf(MID, kind="ed25519"), MID]),
    "Ed25519 issuer": Row([leaf(MID_ED), MID_ED]),
    "Ed448 leaf": Row([leaf(MID, kind="ed448"), MID]),
    "DSA issuer": Row([leaf(MID_DSA), MID_DSA]),
    "RSASSA-PSS signature": Row([leaf(MID_RSA, signature="pss"), MID_RSA]),
    "RSA of 1024 bits": Row([leaf(MID, kind="rsa1024"), MID], (WEAK,), trust={"postfix": NO_STRENGTH}),
    "issuer of 1024 bits": Row([leaf(MID_1024), MID_1024], (WEAK,), trust={"postfix": NO_STRENGTH}),
    "root of 1024 bits": Row([leaf(ROOT_WEAK)], (WEAK,), trust={"postfix": NO_STRENGTH}),
    "SHA-1 on the leaf": Row([leaf(MID_RSA, signature="sha1"), MID_RSA], (WEAK,)),
    "MD5 on the leaf": Row([leaf(MID_RSA, signature="md5"), MID_RSA], (WEAK,)),
    "SHA-1 on the issuer": Row([leaf(MID_SHA1), MID_SHA1], (WEAK,)),
    # orders and extras
    "root directly": Row([leaf(ROOT)]),
    "root sent along": Row([leaf(MID), MID, ROOT]),
    "deep": Row([leaf(DEEP[-1]), *reversed(DEEP)]),
    "deep, unsorted": Row([leaf(DEEP[-1]), *DEEP]),
    "deep, root first": Row([leaf(DEEP[-1]), ROOT, *DEEP]),
    "leaf twice": Row([leaf_twice := leaf(MID), leaf_twice, MID]),
    "issuer twice": Row([leaf(MID), MID, MID]),
    "another issuer behind": Row([leaf(MID), MID, OTHER], warns=UNNEEDED),
    "another issuer between": Row([leaf(MID), OTHER, MID], warns=UNNEEDED),
    "code signing CA beside": Row([leaf(MID), MID, STRAY_CODE], warns=UNNEEDED),
    "SHA-1 cross-signature beside": Row([leaf(MID), MID, CROSS_SHA1], warns=UNNEEDED),
    "root of 1024 bits beside": Row([leaf(MID), MID, ROOT_WEAK], warns=UNNEEDED),
    "expired root beside": Row([leaf(MID), MID, STRAY_OLD_ROOT], warns=UNNEEDED),
    "later CA beside": Row([leaf(MID), STRAY_LATER, MID], warns=UNNEEDED),
    "unknown root beside": Row([leaf(MID), MID, UNKNOWN], warns=UNNEEDED),
    "another edition of the root": Row([leaf(MID), MID, ROOT_AGAIN], warns=UNNEEDED),
    "expired edition of the root": Row([leaf(MID), MID, ROOT_BEFORE], warns=UNNEEDED),
    "another server's leaf beside": Row([leaf(MID), STRAY_LEAF, MID], warns=UNNEEDED),
    "self-signed namesake of the leaf beside": Row([leaf(MID), SELF, MID], warns=UNNEEDED),
    "namesake of the root beside": Row([leaf(MID), MID, NAMESAKE], warns=UNNEEDED),
    "one beside that libraries refuse": Row([leaf(MID), MID, STRAY_UNREAD], warns=UNNEEDED),
    # editions and cross-signatures
    "expired edition first": Row([leaf(MID), EDITION_OLD, MID], warns=UNNEEDED),
    "expired edition last": Row([leaf(MID), MID, EDITION_OLD], warns=UNNEEDED),
    "edition of an expired root first": Row([leaf(MID), EDITION_BY_OLD_ROOT, MID], warns=UNNEEDED, trust=BOTH_TAKE_ONE),
    "edition of an unknown root first": Row([leaf(MID), EDITION_BY_UNKNOWN, MID], warns=UNNEEDED, trust=BOTH_TAKE_ONE),
    "SHA-1 edition first": Row([leaf(MID_RSA), EDITION_RSA_SHA1, MID_RSA], warns=UNNEEDED, trust=BOTH_TAKE_ONE),
    "SHA-1 edition alone": Row([leaf(MID_RSA), EDITION_RSA_SHA1], (WEAK,)),
    "cross-signed by one unknown": Row([leaf(MID), MID, CROSS_BY_UNKNOWN], warns=UNNEEDED),
    "cross-signed by one expired": Row([leaf(MID), MID, CROSS_BY_OLD], warns=UNNEEDED),
    "unknown root, cross-signed by one known": Row([leaf(MID_UNKNOWN), MID_UNKNOWN, UNKNOWN_CROSSED]),
    "unknown root with its cross-signature": Row(
        [leaf(MID_UNKNOWN), MID_UNKNOWN, UNKNOWN, UNKNOWN_CROSSED], warns=UNNEEDED, trust=BOTH_TAKE_ONE
    ),
    # purposes
    "no purpose": Row([leaf(MID, eku=[]), MID]),
    "server alone": Row([leaf(MID, eku=[SERVER]), MID]),
    "any purpose": Row([leaf(MID, eku=[ANY]), MID], trust={"openssl": ANY_PURPOSE, "postfix": ANY_PURPOSE}),
    "client alone": Row([leaf(MID, eku=[CLIENT]), MID], (INVALID,)),
    "code signing": Row([leaf(MID, eku=[CODE]), MID], (INVALID,)),
    "issuer for clients": Row([leaf(CLIENT_CA), CLIENT_CA], (INVALID,)),
    "key for signatures": Row([leaf(MID, ku="digital_signature"), MID]),
    "key for certificates alone": Row([leaf(MID, kind="rsa", ku="key_cert_sign"), MID], (INVALID,)),
    "CA as server": Row([leaf(MID, ca=True), MID]),
    "must staple": Row([_with(STAPLE, tlv(0x30, b"\x02\x01\x05")), MID]),
    # authorities
    "CA flag false": Row([leaf(NOT_A_CA), NOT_A_CA], (INVALID,)),
    "no basic constraints": Row([leaf(NO_BASICS), NO_BASICS], (INVALID,)),
    "key not for certificates": Row([leaf(NO_SIGNING), NO_SIGNING], (INVALID,)),
    "path length kept": Row([leaf(BELOW_LONG), BELOW_LONG, LONG]),
    "path length exceeded": Row([leaf(BELOW_SHORT), BELOW_SHORT, SHORT], (INVALID,)),
    "name constraints kept": Row([leaf(PERMITS), PERMITS]),
    "name constraints: elsewhere": Row([leaf(OUTSIDE), OUTSIDE], (INVALID,)),
    "name constraints: excluded": Row([leaf(EXCLUDES), EXCLUDES], (INVALID,)),
    "unknown critical extension": Row([leaf(MID, more=[(UNKNOWN_CRITICAL, True)]), MID], (INVALID,)),
    "unknown critical extension above": Row([leaf(CRITICAL_CA), CRITICAL_CA], (INVALID,)),
    "no key identifiers": Row([leaf(SILENT, key_ids=False), SILENT]),
    "issuer of another serial number": Row([_other_serial(), MID], (INVALID,), says="not accepted as the issuer"),
    "broken signature": Row([_tampered(), MID], (INVALID,)),
    # dates
    "expired": Row([leaf(MID, days=OLD), MID], (EXPIRED,)),
    "not yet valid": Row([leaf(MID, days=LATER), MID], (LATER_VALID,)),
    "issuer expired": Row([leaf(MID_OLD), MID_OLD], (EXPIRED,)),
    "issuer not yet valid": Row([leaf(MID_LATER), MID_LATER], (LATER_VALID,)),
    "root expired": Row([leaf(BY_OLD_ROOT), BY_OLD_ROOT], (EXPIRED,)),
    "expired, with another name": Row([leaf(MID, days=OLD, sans=["x.example"], cn="x.example"), MID], (EXPIRED, MISMATCH)),
    # whom nobody knows
    "self-signed": Row([SELF], (UNTRUSTED,), says="signed by itself"),
    "self-signed, sent twice": Row([SELF, SELF], (UNTRUSTED,), says="signed by itself"),
    "self-signed, with a bundle": Row([SELF, MID, ROOT], (UNTRUSTED,), UNNEEDED, says="signed by itself"),
    "self-signed CA": Row([SELF_CA], (UNTRUSTED,), says="signed by itself"),
    "self-signed, naming another key": Row([leaf(None, authority_key=OTHER.key)], (UNTRUSTED,), says="signed by itself"),
    "self-signed without key identifiers": Row([leaf(None, key_ids=False)], (UNTRUSTED,), says="signed by itself"),
    "self-signed and expired": Row([leaf(None, days=OLD)], (UNTRUSTED, EXPIRED), says="signed by itself"),
    "unknown root": Row([leaf(MID_UNKNOWN), MID_UNKNOWN, UNKNOWN], (UNTRUSTED,), says="ends in Root Unknown"),
    "unknown root, unsorted": Row([leaf(MID_UNKNOWN), UNKNOWN, MID_UNKNOWN], (UNTRUSTED,), says="ends in Root Unknown"),
    "unknown root and a known one beside": Row(
        [leaf(MID_UNKNOWN), MID_UNKNOWN, UNKNOWN, ROOT], (UNTRUSTED,), UNNEEDED, says="ends in Root Unknown"
    ),
    "namesake of a known root": Row([leaf(NAMESAKE), NAMESAKE], (UNTRUSTED,), says="ends in Root A"),
    # what is missing
    "unknown root, not sent": Row(
        [leaf(MID_UNKNOWN), MID_UNKNOWN], (INCOMPLETE,), says="issuer of Issuing Unknown is Root Unknown"
    ),
    "leaf alone": Row([leaf(MID)], (INCOMPLETE,), says="is Issuing R10, which was not sent"),
    "another issuer instead": Row([leaf(MID), OTHER], (INCOMPLETE,), UNNEEDED, says="is Issuing R10, which was not sent"),
    "root instead of the issuer": Row([leaf(MID), ROOT], (INCOMPLETE,), UNNEEDED, says="is Issuing R10, which was not sent"),
    "one missing in the middle": Row(
        [leaf(DEEP[3]), DEEP[3], DEEP[1], MID], (INCOMPLETE,), UNNEEDED, says="issuer of Issuing Level 2 is Issuing Level 1"
    ),
    "namesake of the issuer": Row([leaf(MID), MID_NAMESAKE], (INCOMPLETE,), UNNEEDED, says="but with another key"),
    "namesake without key identifiers": Row(
        [leaf(SILENT, key_ids=False), SILENT_NAMESAKE], (INCOMPLETE,), UNNEEDED, says="but with another key"
    ),
    "namesake without key identifiers, and the true one": Row(
        [leaf(SILENT, key_ids=False), SILENT_NAMESAKE, SILENT], warns=UNNEEDED, trust=BOTH_TAKE_ONE
    ),
    "incomplete and expired": Row([leaf(MID, days=OLD)], (INCOMPLETE, EXPIRED)),
    # names
    "another name": Row([leaf(MID, sans=["x.example"], cn="x.example"), MID], (MISMATCH,)),
    "wildcard": Row([leaf(MID, sans=["*.lab.test"], cn="lab"), MID]),
    "wildcard of too little": Row([leaf(MID, sans=["*.mail.lab.test"], cn="lab"), MID], (MISMATCH,)),
    "wildcard of too much": Row([leaf(MID, sans=["*.test"], cn="lab"), MID], (MISMATCH,)),
    "wildcard in a label": Row([leaf(MID, sans=["m*.lab.test"], cn="lab"), MID], (MISMATCH,), name={"openssl": TLS_DOMAIN}),
    "capitals": Row([leaf(MID, sans=["MAIL.Lab.Test"], cn="lab"), MID]),
    "common name, no SAN": Row([leaf(MID, sans=[]), MID], warns=CN_ONLY),
    "common name beside another SAN": Row(
        [leaf(MID, sans=["www.lab.test"]), MID], warns=CN_ONLY, name={"openssl": MICROSOFT_NAME, "postfix": MICROSOFT_NAME}
    ),
    "common name beside an address": Row([leaf(MID, sans=[x509.IPAddress(ip_address("192.0.2.1"))]), MID], warns=CN_ONLY),
    "second common name": Row([leaf(MID, sans=[], cn=_common("lab", NAME)), MID], warns=CN_ONLY),
    "no subject": Row([leaf(MID, cn=x509.Name([])), MID]),
    "one name of many": Row([leaf(MID, sans=[f"h{n}.lab.test" for n in range(200)] + [NAME], cn="lab"), MID]),
    # odd parts
    "a name that is not ASCII": Row([_odd((0x82, b"b\xfcro.test"), (0x82, NAME.encode())), MID]),
    "an address of five bytes": Row([_odd((0x87, b"12345"), (0x82, NAME.encode())), MID]),
    "odd kinds of names": Row(
        [_odd(OTHER_NAME, (0x88, b"\x2a\x03"), (0x81, b"\xff@x"), (0x86, b"\xff:"), (0x82, NAME.encode())), MID]
    ),
    "only odd names": Row([_odd((0x82, b"b\xfcro.test")), MID], (MISMATCH,)),
    "policies that are none": Row([_with(POLICIES, b"\x04\x01x"), MID]),
    "information that is none": Row([_with(INFORMATION, b"\xff\xff"), MID]),
    "a boolean that is not DER": Row([leaf(MID, edits=[(b"\x01\x01\xff", b"\x01\x01\x01")]), MID]),
    "version 7": Row([leaf(MID, edits=[(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06")]), MID]),
    "serial number below zero": Row([leaf(MID, **BELOW_ZERO), MID]),
    "serial number below zero, self-signed": Row([leaf(None, **BELOW_ZERO)], (UNTRUSTED,), says="signed by itself"),
    "two SANs beside": Row([leaf(MID), MID, TWO_SANS], warns=UNNEEDED),
    "TeletexString": Row([leaf(MID, cn=_teletex()), MID]),
}
