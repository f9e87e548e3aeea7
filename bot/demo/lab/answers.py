"""The named ways in which the lab's resolver answers wrongly. MISBEHAVIOURS is the table of the names."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset


@dataclass(frozen=True, slots=True)
class Reaction:
    """What goes out: whole messages (none: silence). Over TCP they may drip, or the connection just ends."""

    wires: tuple[bytes, ...] = ()
    drip: bool = False
    close: bool = False
    from_elsewhere: bool = False
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Query:
    """One question, how it came, and the honest response to it."""

    message: dns.message.Message
    name: dns.name.Name
    type: str
    tcp: bool
    honest: dns.message.Message

    def blank(self, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
        """A response without records."""
        response = dns.message.make_response(self.message, recursion_available=True)
        response.set_rcode(rcode)
        return response

    @property
    def checking_disabled(self) -> bool:
        return bool(self.message.flags & dns.flags.CD)


Misbehaviour = Callable[[Query], Reaction]


def pack(query: Query, response: dns.message.Message) -> Reaction:
    """The response as it fits: over UDP what is too long is cut away and marked."""
    if query.tcp:
        return Reaction((response.to_wire(max_size=65535),))
    try:
        return Reaction((response.to_wire(max_size=max(512, query.message.payload)),))
    except dns.exception.TooBig:
        return _cut(query)


def _cut(query: Query) -> Reaction:
    response = query.blank()
    response.flags |= dns.flags.TC
    return Reaction((response.to_wire(),))


def honest(query: Query) -> Reaction:
    return pack(query, query.honest)


def _fails(rcode: dns.rcode.Rcode) -> Misbehaviour:
    return lambda query: pack(query, query.blank(rcode))


def _silent(_: Query) -> Reaction:
    return Reaction()


def _nodata(query: Query) -> Reaction:
    return pack(query, query.blank())


def _formerr_to_edns(query: Query) -> Reaction:
    """As old servers do: plain questions are answered."""
    return honest(query) if query.message.edns < 0 else pack(query, query.blank(dns.rcode.FORMERR))


def _silent_to_edns(query: Query) -> Reaction:
    """As behind some firewalls: plain questions alone are answered."""
    return honest(query) if query.message.edns < 0 else Reaction()


def _cname_loop(query: Query) -> Reaction:
    return _records(query, [(query.name, "CNAME", [query.name.to_text()])])


def _cname_loop_of_two(query: Query) -> Reaction:
    other = dns.name.from_text("loop-b", query.name)
    return _records(query, [(query.name, "CNAME", [other.to_text()]), (other, "CNAME", [query.name.to_text()])])


def _cname_chain(query: Query) -> Reaction:
    """200 links before the address."""
    links = [query.name, *(dns.name.from_text(f"c{number}.chain.lab.test.") for number in range(200))]
    rows = [(here, "CNAME", [there.to_text()]) for here, there in itertools.pairwise(links)]
    return _records(query, [*rows, (links[-1], "A", ["127.0.0.1"])])


def _many_a(query: Query) -> Reaction:
    """4000 addresses; they fit into TCP alone."""
    if query.type != "A":
        return honest(query)
    return _records(query, [(query.name, "A", [f"127.20.{number >> 8}.{number & 255}" for number in range(4000)])])


def _many_mx(query: Query) -> Reaction:
    """2000 mail hosts with five preferences; none of them exists unless the world lists it."""
    if query.type != "MX":
        return honest(query)
    hosts = [f"{number % 5} mx{number}.{query.name.to_text()}" for number in range(2000)]
    return _records(query, [(query.name, "MX", hosts)])


def _evil_labels(query: Query) -> Reaction:
    """Names that are no host names: chat mark-up, control characters, blanks."""
    labels = ((b"<!channel>",), (b"`*x*`",), (b"a\x1b[31mb",), (b"a b",), (b"a\x00b",), ("\u202e".encode(),))
    targets = [dns.name.Name((*label, b"lab", b"test", b"")).to_text() for label in labels]
    if query.type == "MX":
        return _records(query, [(query.name, "MX", [f"{10 + i} {target}" for i, target in enumerate(targets)])])
    return _records(query, [(query.name, "CNAME", targets[:1])])


def _wrong_id(query: Query) -> Reaction:
    query.honest.id ^= 0x5555
    return honest(query)


def _wrong_question(query: Query) -> Reaction:
    evil = dns.name.from_text("evil.example.")
    response = query.blank()
    response.question = [dns.rrset.RRset(evil, query.honest.question[0].rdclass, query.honest.question[0].rdtype)]
    response.answer = [dns.rrset.from_text(evil, 60, "IN", "A", "127.0.0.1")]
    return pack(query, response)


def _wrong_source(query: Query) -> Reaction:
    """The right answer from another port than the one asked."""
    return Reaction(honest(query).wires, from_elsewhere=True)


def _garbage(query: Query) -> Reaction:
    return Reaction((query.message.id.to_bytes(2, "big") + b"\xff" * 40,))


def _pointer_loop(query: Query) -> Reaction:
    """An owner name that is a pointer to itself."""
    head = query.blank().to_wire()
    offset = 12 + len(query.name.to_wire() or b"") + 4
    record = bytes([0xC0 | offset >> 8, offset & 255]) + b"\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"
    return Reaction((head[:6] + b"\x00\x01\x00\x00\x00\x00" + head[12:offset] + record,))


def _truncated(query: Query) -> Reaction:
    return honest(query) if query.tcp else _cut(query)


def _always_truncated(query: Query) -> Reaction:
    return _cut(query)


def _tcp_closed(query: Query) -> Reaction:
    return Reaction(close=True) if query.tcp else _cut(query)


def _tcp_silent(query: Query) -> Reaction:
    return Reaction() if query.tcp else _cut(query)


def _tcp_drip(query: Query) -> Reaction:
    return Reaction(honest(query).wires, drip=True) if query.tcp else _cut(query)


def _slow(query: Query) -> Reaction:
    return Reaction(honest(query).wires, delay=1.0)


def _twice(query: Query) -> Reaction:
    return Reaction(honest(query).wires * 2)


def _bogus_dnssec(query: Query) -> Reaction:
    """What a validating resolver says of bad signatures: failure, but an answer to those who do not want it checked."""
    return honest(query) if query.checking_disabled else pack(query, query.blank(dns.rcode.SERVFAIL))


def _explained(code: dns.edns.EDECode, text: str) -> Misbehaviour:
    def react(query: Query) -> Reaction:
        response = query.blank(dns.rcode.SERVFAIL)
        if query.message.edns >= 0:
            response.use_edns(0, options=[dns.edns.EDEOption(code, text)])
        return pack(query, response)

    return react


def _records(query: Query, rows: list[tuple[dns.name.Name, str, list[str]]]) -> Reaction:
    response = query.blank()
    response.answer = [dns.rrset.from_text_list(name, 60, "IN", rdtype, data) for name, rdtype, data in rows]
    return pack(query, response)


MISBEHAVIOURS: Mapping[str, Misbehaviour] = {
    "nxdomain": _fails(dns.rcode.NXDOMAIN),
    "nodata": _nodata,
    "servfail": _fails(dns.rcode.SERVFAIL),
    "refused": _fails(dns.rcode.REFUSED),
    "formerr": _fails(dns.rcode.FORMERR),
    "formerr-to-edns": _formerr_to_edns,
    "silent-to-edns": _silent_to_edns,
    "notimp": _fails(dns.rcode.NOTIMP),
    "silent": _silent,
    "slow": _slow,
    "twice": _twice,
    "cname-loop": _cname_loop,
    "cname-loop-2": _cname_loop_of_two,
    "cname-chain": _cname_chain,
    "wrong-id": _wrong_id,
    "wrong-question": _wrong_question,
    "wrong-source": _wrong_source,
    "garbage": _garbage,
    "pointer-loop": _pointer_loop,
    "truncated": _truncated,
    "always-truncated": _always_truncated,
    "tcp-closed": _tcp_closed,
    "tcp-silent": _tcp_silent,
    "tcp-drip": _tcp_drip,
    "many-a": _many_a,
    "many-mx": _many_mx,
    "evil-labels": _evil_labels,
    "bogus-dnssec": _bogus_dnssec,
    "ede-dnssec": _explained(dns.edns.EDECode.DNSSEC_BOGUS, "signature of lab.test does not fit"),
    "ede-expired": _explained(dns.edns.EDECode.SIGNATURE_EXPIRED, "signature of lab.test expired"),
    "ede-says-refused": _explained(
        dns.edns.EDECode.NETWORK_ERROR, "198.51.100.53:53 rcode=REFUSED for mail.contoso.com. A, DNSSEC bogus"
    ),
    "ede-says-cname": _explained(dns.edns.EDECode.OTHER, "CNAME loop, NXDOMAIN, no such name"),
    "ede-network": _explained(dns.edns.EDECode.NO_REACHABLE_AUTHORITY, "no server of lab.test answers"),
}
"""Every way to answer wrongly that a world can name."""
