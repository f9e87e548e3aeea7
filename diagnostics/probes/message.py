"""DNS messages on the wire (RFC 1035, 6891, 8914): one question out, the records that answer it in.

The bytes are a stranger's, up to 64 KiB of them. dnspython took 6 s for such a message whose names point into each other; here
each byte is looked at a bounded number of times: a name that was read once is known by its offset, whatever points to it.
"""

import ipaddress
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from diagnostics.findings import Facts
from diagnostics.text import replaced

A, CNAME, MX, TXT, AAAA, OPT, TLSA = 1, 5, 15, 16, 28, 41, 52
KINDS = {"A": A, "MX": MX, "TXT": TXT, "AAAA": AAAA, "TLSA": TLSA}

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
_WITHOUT_QUESTION = frozenset({FORMERR, SERVFAIL, NOTIMP, REFUSED})

_IN, _ROOT = 1, b"\0"
_RESPONSE, _OPCODE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x7800, 0x0200, 0x0100
_AUTHENTIC, _CHECKING_DISABLED = 0x0020, 0x0010
_EXTENDED_ERROR = 15
MAX_NAME = 255
PAYLOAD = 1232
"""What fits into one packet on any path (DNS flag day 2020); longer answers come over TCP."""


class Nonsense(Exception):
    """A reply that is no answer to the question; `facts` tell why by their `how`."""

    def __init__(self, how: str, **facts: str) -> None:
        super().__init__(how)
        self.facts: Facts = {"how": how, **facts}


@dataclass(frozen=True, slots=True)
class Question:
    """`owner` is a name on the wire in lower case; `number` is the message's id."""

    number: int
    owner: bytes
    kind: int
    edns: bool = True
    checking_disabled: bool = False

    @property
    def section(self) -> bytes:
        return self.owner + struct.pack("!2H", self.kind, _IN)

    def to_wire(self) -> bytes:
        # AD in a question asks for AD in the answer (RFC 6840 section 5.7)
        flags = _RECURSION_DESIRED | _AUTHENTIC | (_CHECKING_DISABLED if self.checking_disabled else 0)
        head = struct.pack("!6H", self.number, flags, 1, 0, 0, int(self.edns))
        return head + self.section + (_ROOT + struct.pack("!2HIH", OPT, PAYLOAD, 0, 0) if self.edns else b"")


@dataclass(frozen=True, slots=True)
class Reply:
    """Records of the wanted type by owner, as texts without duplicates; CNAMEs; an Extended DNS Error with its text.

    `authentic`: the resolver says that it validated the answer (AD, RFC 4035 section 3.2.3).
    """

    rcode: int
    truncated: bool = False
    rows: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[bytes, bytes] = field(default_factory=dict)
    note: tuple[int, str] | None = None
    authentic: bool = False


def encode(name: str) -> bytes:
    """A name without a trailing dot → its form on the wire. Raises ValueError with a sentence."""
    labels = name.lower().split(".")
    if not name.isascii():
        raise ValueError("it holds characters outside ASCII")
    if any(not 0 < len(label) < 64 for label in labels):
        raise ValueError("a part of it is empty or longer than 63 characters")
    wire = b"".join(bytes([len(label)]) + label.encode() for label in labels) + _ROOT
    if len(wire) > MAX_NAME:
        raise ValueError(f"it is longer than {MAX_NAME} bytes on the wire")
    return wire


def decode(name: bytes) -> str:
    """A name on the wire → text without a trailing dot; what is no letter, digit, hyphen or underscore is escaped."""
    return _Names(name).at(0)[1].removesuffix(".")


def rcode_text(rcode: int) -> str:
    return _RCODES[rcode] if rcode < len(_RCODES) else f"RCODE {rcode}"


def read(wire: bytes, question: Question) -> Reply | None:
    """The reply, or None if it is not the answer to `question` (spoofed or late). Raises Nonsense for what cannot be read."""
    if len(wire) < 12 or wire[:2] != question.number.to_bytes(2, "big"):
        return None
    try:
        return _read(wire, question)
    except (struct.error, IndexError):
        raise Nonsense("message-short") from None


def _read(wire: bytes, question: Question) -> Reply | None:
    _, flags, questions, answers, authorities, additionals = struct.unpack_from("!6H", wire)
    rcode, section = flags & 15, question.section
    if not flags & _RESPONSE:
        return None
    if flags & _OPCODE or questions > 1:
        raise Nonsense("message-no-reply")
    if questions:
        asked = wire[12 : 12 + len(section)]
        if asked[:-4].lower() != question.owner or asked[-4:] != section[-4:]:
            return None
    elif rcode not in _WITHOUT_QUESTION:
        return None
    if flags & _TRUNCATED:
        return Reply(rcode, truncated=True)
    names = _Names(wire)
    records = _records(wire, names, 12 + len(section) * questions, answers + authorities + additionals)
    rows: dict[bytes, dict[str, None]] = {}
    aliases: dict[bytes, bytes] = {}
    note = None
    for place, (owner, kind, rdclass, ttl, start, end) in enumerate(records):
        if place < answers and rdclass == _IN:
            if kind == question.kind:
                rows.setdefault(owner, {})[_TEXTS[kind](wire, names, start, end)] = None
            elif kind == CNAME:
                aliases.setdefault(owner, names.at(start)[0])
        elif kind == OPT and place >= answers + authorities:
            rcode |= ttl >> 24 << 4
            note = note or _extended_error(wire[start:end])
    return Reply(
        rcode,
        rows={owner: tuple(texts) for owner, texts in rows.items()},
        aliases=aliases,
        note=note,
        authentic=bool(flags & _AUTHENTIC),
    )


def _records(wire: bytes, names: "_Names", here: int, count: int) -> Iterator[tuple[bytes, int, int, int, int, int]]:
    """(owner, type, class, TTL, where its data starts, and ends) of each record."""
    for _ in range(count):
        owner, _text, here = names.at(here)
        kind, rdclass, ttl, size = struct.unpack_from("!2HIH", wire, here)
        start, here = here + 10, here + 10 + size
        if here > len(wire):
            raise Nonsense("message-short")
        yield owner, kind, rdclass, ttl, start, here


class _Names:
    """The names of one message: offset → (name on the wire in lower case, its text, where it ends)."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._known: dict[int, tuple[bytes, str, int]] = {}

    def at(self, here: int) -> tuple[bytes, str, int]:
        """Each offset is followed once. Pointers must lead back (RFC 1035 section 4.1.4), so there is no loop."""
        wire, known = self._wire, self._known
        passed: list[int] = []
        lowest = here
        while here not in known:
            length = wire[here]
            if not length:
                known[here] = (_ROOT, "", here + 1)
                break
            passed.append(here)
            if length < 64:
                here += 1 + length
            elif length >= 0xC0 and (target := (length & 0x3F) << 8 | wire[here + 1]) < lowest:
                here = lowest = target
            else:
                raise Nonsense("message-bad-name")
        name, text, end = known[here]
        for here in reversed(passed):
            length = wire[here]
            if length >= 0xC0:
                end = here + 2
            else:
                label = wire[here + 1 : here + 1 + length].lower()
                name = wire[here : here + 1] + label + name
                text = f"{label.decode('latin-1').translate(_ESCAPES)}.{text}"
                if len(name) > MAX_NAME:
                    raise Nonsense("message-long-name")
            known[here] = (name, text, end)
        return name, text, end


_ESCAPES = {code: f"\\{code:03}" for code in range(256) if not 0x20 < code < 0x7F} | {ord(c): f"\\{c}" for c in '"().;\\@$'}
_QUOTED = {code: f"\\{code:03}" for code in range(256) if not 0x20 <= code < 0x7F} | {ord(c): f"\\{c}" for c in '"\\'}


def _ipv4(wire: bytes, _: _Names, start: int, end: int) -> str:
    if end - start != 4:
        raise Nonsense("message-bad-record", kind="A")
    return str(ipaddress.IPv4Address(wire[start:end]))


def _ipv6(wire: bytes, _: _Names, start: int, end: int) -> str:
    if end - start != 16:
        raise Nonsense("message-bad-record", kind="AAAA")
    return str(ipaddress.IPv6Address(wire[start:end]))


def _exchange(wire: bytes, names: _Names, start: int, end: int) -> str:
    _, text, after = names.at(start + 2)
    if after != end:
        raise Nonsense("message-bad-record", kind="MX")
    return f"{int.from_bytes(wire[start : start + 2], 'big')} {text or '.'}"


def _strings(wire: bytes, _: _Names, start: int, end: int) -> str:
    texts = []
    while start < end:
        after = start + 1 + wire[start]
        texts.append(f'"{wire[start + 1 : after].decode("latin-1").translate(_QUOTED)}"')
        start = after
    if start != end:
        raise Nonsense("message-bad-record", kind="TXT")
    return " ".join(texts)


def _association(wire: bytes, _: _Names, start: int, end: int) -> str:
    if end - start < 3:
        raise Nonsense("message-bad-record", kind="TLSA")
    return f"{wire[start]} {wire[start + 1]} {wire[start + 2]} {wire[start + 3 : end].hex()}"


_TEXTS: Mapping[int, Callable[[bytes, _Names, int, int], str]] = {
    A: _ipv4,
    AAAA: _ipv6,
    MX: _exchange,
    TXT: _strings,
    TLSA: _association,
}


def _extended_error(options: bytes) -> tuple[int, str] | None:
    """The first one in an OPT record: its code and up to 200 characters of text (RFC 8914 section 2)."""
    here = 0
    while here + 4 <= len(options):
        code, size = struct.unpack_from("!2H", options, here)
        if code == _EXTENDED_ERROR and size >= 2:
            info = int.from_bytes(options[here + 4 : here + 6], "big")
            said = options[here + 6 : here + 4 + size][:800].decode(errors="replace").strip("\0")[:200]
            return info, replaced(said, "?") or f"EDE {info}"
        here += 4 + size
    return None
