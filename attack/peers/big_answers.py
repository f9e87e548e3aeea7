"""DNS answers of 64 KiB over TCP, made by hand: the longest that fits, in the forms that take a reader longest."""

from collections.abc import Callable, Mapping

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from bot.demo.lab.answers import Reaction
from bot.demo.lab.nameserver import NameServer

MOST = 65_535
ZONE = "big.attack.test"
_OWNER = b"\xc0\x0c"  # the name of the question
_DEEP = b"\x01a" * 100


def addresses(kind: int) -> list[bytes]:
    """4,000 addresses of one name."""
    return [_record(_OWNER, 1, n.to_bytes(4, "big")) for n in range(0x7F480001, 0x7F480001 + 4_000)] if kind == 1 else []


def deep_names(kind: int) -> list[bytes]:
    """3,900 mail hosts whose names are pointers to one of a hundred labels: 390,000 labels to read."""
    if kind != 15:
        return []
    first = _record(_OWNER, 15, b"\0\x0a" + _DEEP + b"\0")
    pointer = (0xC000 | 12 + _question_length(ZONE_OF["deep-names"]) + 12 + 2).to_bytes(2, "big")
    return [first, *(_record(_OWNER, 15, n.to_bytes(2, "big") + pointer) for n in range(3_900))]


def owners(kind: int) -> list[bytes]:
    """2,800 addresses of names that nobody asked for."""
    return [_record(b"\x06" + f"{n:06}".encode() + b"\xc0\x0c", 1, b"\x7f\x48\0\x01") for n in range(2_800)] if kind == 1 else []


def aliases(kind: int) -> list[bytes]:
    """A chain of 2,300 aliases, backwards, so that each step looks through all."""
    if kind not in (1, 28):
        return []

    def name(n: int) -> bytes:
        return (b"\x05" + f"{n:05}".encode() if n else b"") + _OWNER

    return [_record(name(n), 5, name(n + 1)) for n in reversed(range(2_300))]


BIG: Mapping[str, Callable[[int], list[bytes]]] = {
    "addresses": addresses,
    "deep-names": deep_names,
    "owners": owners,
    "aliases": aliases,
}
ZONE_OF = {kind: f"{kind}.{ZONE}" for kind in BIG}


class BigNames(NameServer):
    """The resolver of a world, which answers at length about the names of ZONE_OF."""

    def react(self, wire: bytes, *, tcp: bool) -> Reaction:
        try:
            question = dns.message.from_wire(wire).question[0]
        except (dns.exception.DNSException, IndexError):
            return super().react(wire, tcp=tcp)
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = next((kind for kind, zone in ZONE_OF.items() if name == zone), None)
        if kind is None:
            return super().react(wire, tcp=tcp)
        flags = b"\x81\x80" if tcp else b"\x83\x80"  # truncated: ask over TCP
        records = _fitting(BIG[kind](int(question.rdtype)), name) if tcp else []
        counts = b"\0\x01" + len(records).to_bytes(2, "big") + bytes(4)
        asked = (question.name.to_wire() or b"") + int(question.rdtype).to_bytes(2, "big") + b"\0\x01"
        return Reaction((wire[:2] + flags + counts + asked + b"".join(records),))


def _fitting(records: list[bytes], name: str) -> list[bytes]:
    room, kept = MOST - 12 - _question_length(name), []
    for record in records:
        room -= len(record)
        if room < 0:
            break
        kept.append(record)
    return kept


def _question_length(name: str) -> int:
    return len(dns.name.from_text(name).to_wire() or b"") + 4


def _record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + kind.to_bytes(2, "big") + b"\0\x01\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
