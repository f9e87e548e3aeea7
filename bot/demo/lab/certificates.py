"""Certificates by named recipe, each sound or broken in exactly one way. One root is trusted (`ca.pem`), one is not.

Keys and authorities are made once a process: tests ask for the same ones hundreds of times, and RSA is slow.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

AIA_URL = "http://aia.lab.test/issuer.cer"
CRL_URL = "http://crl.lab.test/lab.crl"
"""Named in every leaf. No world lists these hosts, so whoever follows the pointers shows up among the DNS queries."""

HOSTILE = "<!channel> `x` *y* \x1b[31m\u202e&\n"

_KEYS: Mapping[str, Callable[[], Key]] = {
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 (the point)
}

_OLD_HASHES: Mapping[str, tuple[hashes.HashAlgorithm, int]] = {"sha1": (hashes.SHA1(), 5), "md5": (hashes.MD5(), 4)}  # noqa: S303
"""Hash and last number of its RSA signature's object identifier, 1.2.840.113549.1.1.N."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a server's certificate is made. `names` empty: the names that the world gives to the server's address.

    issuer: a key of ISSUERS, or "self". sends: leaf, chain, chain+root or reversed (intermediates in the wrong order).
    beside: keys of ISSUERS, whose own certificates are sent too, or "leaf". odd_names: the SAN also has names that are none.
    """

    names: tuple[str, ...] = ()
    common_name: str = ""
    organization: str = ""
    days: tuple[float, float] = (-30, 90)
    key: str = "ec"
    signature: str = "sha256"
    issuer: str = "intermediate"
    sends: str = "chain"
    beside: tuple[str, ...] = ()
    odd_names: bool = False
    with_san: bool = True
    wildcard: bool = False
    more_names: int = 0
    usage: str = "server"
    critical_extension: bool = False

    @classmethod
    def from_table(cls, value: str | Mapping[str, Any]) -> "Recipe":
        """A recipe's name, or a table: `recipe` names one (else "good"), other keys change it. Raises ValueError."""
        table = {"recipe": value} if isinstance(value, str) else dict(value)
        name = table.pop("recipe", "good")
        if name not in RECIPES:
            raise ValueError(f"no recipe {name!r}; known are {', '.join(RECIPES)}")
        known = [field.name for field in fields(cls)]
        for key in table:
            if key not in known:
                raise ValueError(f"unknown key {key!r}; known are recipe, {', '.join(known)}")
        changes: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        recipe = replace(RECIPES[name], **changes)
        choices = (
            ("key", recipe.key, tuple(_KEYS)),
            ("issuer", recipe.issuer, (*ISSUERS, "self")),
            ("sends", recipe.sends, ("leaf", "chain", "chain+root", "reversed")),
            ("usage", recipe.usage, tuple(_USAGES)),
            ("signature", recipe.signature, ("sha256", *_OLD_HASHES)),
        )
        for key, item, allowed in choices:
            if item not in allowed:
                raise ValueError(f"{key} {item!r} is none of {', '.join(allowed)}")
        if wrong := set(recipe.beside) - {*ISSUERS, "leaf"}:
            raise ValueError(f"beside: {', '.join(sorted(wrong))} is none of leaf, {', '.join(ISSUERS)}")
        return recipe


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: a certificate, its key, and who signed that (None: itself)."""

    certificate: x509.Certificate
    key: Key
    above: "Authority | None" = None

    def chain(self) -> tuple[x509.Certificate, ...]:
        """From this one upwards, the root included."""
        return (self.certificate, *(self.above.chain() if self.above else ()))


@dataclass(frozen=True, slots=True)
class Issued:
    """What a server presents, leaf first, and the leaf's key."""

    chain: tuple[x509.Certificate, ...]
    key: Key

    def pem(self) -> bytes:
        """Key and chain in one file, as OpenSSL loads them."""
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return key + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in self.chain)


def ca_pem() -> bytes:
    """The one trusted root."""
    return _root("Lab Root").certificate.public_bytes(serialization.Encoding.PEM)


def issue(recipe: Recipe, names: tuple[str, ...]) -> Issued:
    """The certificate of a server. `names` count where the recipe has none of its own."""
    names = recipe.names or names or ("mail.lab.test",)
    if recipe.wildcard:
        names = tuple("*." + name.partition(".")[2] for name in names)
    key = key_of(recipe.key)
    signer = None if recipe.issuer == "self" else ISSUERS[recipe.issuer]()
    subject = _name(recipe.common_name or names[0], recipe.organization)
    more = tuple(f"host{number:05}.example.test" for number in range(recipe.more_names))
    builder = _builder(subject, key, signer, recipe.days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    for extension in _leaf_extensions(recipe, names + more):
        builder = builder.add_extension(extension, critical=False)
    if recipe.critical_extension:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    leaf = _sign(builder, signer.key if signer else key, recipe.signature)
    beside = (leaf if name == "leaf" else ISSUERS[name]().certificate for name in recipe.beside)
    return Issued((leaf, *_sent_with(recipe, signer), *beside), key)


def _sent_with(recipe: Recipe, signer: Authority | None) -> tuple[x509.Certificate, ...]:
    if signer is None or recipe.sends == "leaf":
        return ()
    *middle, root = signer.chain()
    if recipe.sends == "reversed":
        middle.reverse()
    return (*middle, root) if recipe.sends == "chain+root" else tuple(middle)


def _leaf_extensions(recipe: Recipe, names: tuple[str, ...]) -> list[x509.ExtensionType]:
    issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(AIA_URL))
    revoked = x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)
    found: list[x509.ExtensionType] = [
        x509.AuthorityInformationAccess([issuers]),
        x509.CRLDistributionPoints([revoked]),
    ]
    if recipe.odd_names:
        found.append(_odd_san(names))
    elif recipe.with_san:
        found.append(x509.SubjectAlternativeName([_general_name(name) for name in names]))
    if _USAGES[recipe.usage]:
        found.append(x509.ExtendedKeyUsage(_USAGES[recipe.usage]))
    return found


def _odd_san(names: tuple[str, ...]) -> x509.ExtensionType:
    """A dNSName that is not ASCII and an address of five bytes before the names: for each a library refuses them all."""
    fields = [(0x82, "b\u00fcro.lab.test".encode("latin-1")), (0x87, b"12345"), *((0x82, name.encode()) for name in names)]
    content = b"".join(bytes([tag, len(field)]) + field for tag, field in fields)
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x81" + bytes([len(content)]) + content)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    # a common name holds 64 characters; a longer name stands in the SAN alone
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _builder(subject: x509.Name, key: Key, signer: Authority | None, days: tuple[float, float]) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    above = signer.key if signer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: Key, signature: str = "sha256") -> x509.Certificate:
    made = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    if signature == "sha256":
        return made
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"a {signature} signature needs an RSA issuer")
    # The library refuses to make such signatures. The identifiers are equally long, so they can be exchanged in place.
    algorithm, number = _OLD_HASHES[signature]
    modern, old = (bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d0101") + bytes([number]))
    signed = made.tbs_certificate_bytes.replace(modern, old)
    der = made.public_bytes(serialization.Encoding.DER)
    der = der.replace(made.tbs_certificate_bytes, signed).replace(modern, old)
    der = der.replace(made.signature, key.sign(signed, padding.PKCS1v15(), algorithm))
    return x509.load_der_x509_certificate(der)


@cache
def key_of(kind: str, owner: str = "server") -> Key:  # noqa: ARG001 (the cache tells owners apart)
    """The key of that kind. Servers share one; each authority has its own."""
    return _KEYS[kind]()


@cache
def _root(name: str) -> Authority:
    key = key_of("ec", name)
    builder = _builder(_name(name, "mailflow lab"), key, None, (-365, 3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return Authority(_sign(builder, key), key)


@cache
def _below(
    above: Callable[[], Authority],
    name: str,
    *,
    days: tuple[float, float] = (-300, 1800),
    key: str = "ec",
    ca: bool = True,
    only_below: str = "",
) -> Authority:
    signer, own = above(), key_of(key, name)
    builder = _builder(_name(name, "mailflow lab"), own, signer, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    if only_below:
        constraint = x509.NameConstraints(permitted_subtrees=[x509.DNSName(only_below)], excluded_subtrees=None)
        builder = builder.add_extension(constraint, critical=True)
    return Authority(_sign(builder, signer.key), own, signer)


@cache
def _deep(levels: int) -> Authority:
    return _below(lambda: _deep(levels - 1), f"Lab Level {levels}") if levels else _root("Lab Root")


def _trusted() -> Authority:
    return _root("Lab Root")


def _unknown() -> Authority:
    return _root("Unknown Root")


ISSUERS: Mapping[str, Callable[[], Authority]] = {
    "root": _trusted,
    "intermediate": lambda: _below(_trusted, "Lab Intermediate"),
    "rsa-intermediate": lambda: _below(_trusted, "Lab RSA Intermediate", key="rsa"),
    "expired-intermediate": lambda: _below(_trusted, "Lab Expired Intermediate", days=(-300, -3)),
    "not-a-ca": lambda: _below(_trusted, "Lab Without CA Flag", ca=False),
    "constrained": lambda: _below(_trusted, "Lab Constrained", only_below="elsewhere.example"),
    "weak": lambda: _below(_unknown, "Unknown Weak", key="rsa-1024"),
    "unknown-root": _unknown,
    "unknown-intermediate": lambda: _below(_unknown, "Unknown Intermediate"),
    "deep-3": lambda: _deep(3),
    "deep-12": lambda: _deep(12),
    "deep-50": lambda: _deep(50),
}
"""Who may sign a leaf."""

_USAGES: Mapping[str, list[x509.ObjectIdentifier]] = {
    "server": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
    "none": [],
}

RECIPES: Mapping[str, Recipe] = {
    "good": Recipe(),
    "good-rsa": Recipe(key="rsa"),
    "good-ed25519": Recipe(key="ed25519"),
    "good-p521": Recipe(key="p521"),
    "good-with-root": Recipe(sends="chain+root"),
    "wrong-order": Recipe(issuer="deep-3", sends="reversed"),
    "wildcard": Recipe(wildcard=True),
    "cn-only": Recipe(with_san=False),
    "expiring": Recipe(days=(-60, 10)),
    "expired": Recipe(days=(-60, -2)),
    "expired-intermediate": Recipe(issuer="expired-intermediate"),
    "not-yet-valid": Recipe(days=(2, 90)),
    "self-signed": Recipe(issuer="self"),
    "unknown-root": Recipe(issuer="unknown-intermediate", sends="chain+root"),
    "unknown-root-not-sent": Recipe(issuer="unknown-intermediate"),
    "missing-intermediate": Recipe(sends="leaf"),
    "name-mismatch": Recipe(names=("mail.elsewhere.example",)),
    "rsa-1024": Recipe(key="rsa-1024"),
    "sha1": Recipe(issuer="rsa-intermediate", signature="sha1"),
    "md5": Recipe(issuer="rsa-intermediate", signature="md5"),
    "wrong-eku": Recipe(usage="client"),
    "no-eku": Recipe(usage="none"),
    "ca-flag-missing": Recipe(issuer="not-a-ca"),
    "name-constraints": Recipe(issuer="constrained"),
    "unknown-critical-extension": Recipe(critical_extension=True),
    "long-chain": Recipe(issuer="deep-12"),
    "very-long-chain": Recipe(issuer="deep-50"),
    "many-sans": Recipe(more_names=3000),
    "too-many-sans": Recipe(more_names=10_000),
    "hostile-subject": Recipe(organization=HOSTILE, common_name=HOSTILE),
    "nul-in-san": Recipe(names=("mail.elsewhere.example\x00.lab.test",)),
}
"""Every named certificate: sound ones first, then each fault, then what is merely large or hostile."""
