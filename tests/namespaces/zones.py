"""Signed zones, sound and broken, for a validating resolver."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dns.dnssec
import dns.name
import dns.node
import dns.rdataset
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

DAY = 86400
KSK = 257


@dataclass
class Zone:
    """One zone. `signed`: its signatures' (inception, expiration) in seconds from now, None: not signed."""

    name: str
    records: str
    signed: tuple[int, int] | None = (-DAY, 30 * DAY)

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @property
    def dnskey(self) -> DNSKEY:
        return dns.dnssec.make_dnskey(self.key.public_key(), Algorithm.ECDSAP256SHA256, flags=KSK)

    @property
    def ds(self) -> DS:
        """What the parent says of the key."""
        return dns.dnssec.make_ds(self.name + ".", self.dnskey, DSDigest.SHA256)

    def write(self, folder: Path) -> Path:
        """The zone file, signed if it is to be."""
        text = f"@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n{self.records}\n"
        zone = dns.zone.from_text(text, origin=self.name + ".", relativize=False)
        if self.signed is not None:
            now = int(time.time())
            with zone.writer() as transaction:
                dns.dnssec.sign_zone(
                    zone,
                    transaction,
                    keys=[(self.key, self.dnskey)],
                    inception=now + self.signed[0],
                    expiration=now + self.signed[1],
                    add_dnskey=True,
                )
        file = folder / f"{self.name}.zone"
        zone.to_file(str(file), relativize=False)
        return file


def unbound(folder: Path, zones: list[Zone], *, explains: bool) -> Path:
    """Unbound's configuration: it is the zones' authority and validates them, trusting the first one's key.

    `explains`: failures come with Extended DNS Errors (RFC 8914).
    """
    lines = [
        "server:",
        'chroot: ""',
        'username: ""',
        'pidfile: ""',
        "use-syslog: no",
        f'directory: "{folder}"',
        "interface: 127.0.0.1@53",
        "do-daemonize: no",
        'module-config: "validator iterator"',
        f"ede: {'yes' if explains else 'no'}",
        # this zone is for tests, and unbound answers for it by itself unless told otherwise
        'local-zone: "test." nodefault',
        f'trust-anchor: "{zones[0].name}. IN DNSKEY {zones[0].dnskey.to_text()}"',
        "remote-control:",
        "control-enable: no",
    ]
    for zone in zones:
        file = zone.write(folder)
        lines += ["auth-zone:", f'name: "{zone.name}."', f'zonefile: "{file}"', "for-downstream: no", "for-upstream: yes"]
    config = folder / "unbound.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config
