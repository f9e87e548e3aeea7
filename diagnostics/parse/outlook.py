"""Outlook's .msg ([MS-OXMSG]): the streams that hold text. A report's embedded message is the one that came back: left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from diagnostics.parse.charset import decode
from diagnostics.parse.compound import Compound

_PREFIX = "__substg1.0_"
_CLASS = "001A"
_TEXTS = {
    "1001": 0,  # PidTagReportText
    "0C1B": 1,  # PidTagSupplementaryInfo: the server's diagnosis, one a recipient of a report
    "1000": 2,  # PidTagBody
    "1013": 3,  # PidTagHtml, PidTagBodyHtml
}
_ATTACHED, _FILE_NAME = "3701", "3707"
_EMBEDDED = "3701000D"
_UNICODE = "001F"


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Texts in order of what they are worth, best first; and attached files, of which some may be bounces."""

    texts: tuple[str, ...]
    attachments: tuple[Attachment, ...]


def message(data: bytes) -> Message:
    """What a .msg file says. Raises Malformed."""
    texts: list[tuple[int, str]] = []
    files: dict[tuple[str, ...], dict[str, bytes]] = {}
    report = False
    for (*storages, name), content in Compound(data).streams():
        if not name.startswith(_PREFIX) or len(name) != len(_PREFIX) + 8:
            continue
        tag, kind = name[len(_PREFIX) :][:4].upper(), name[-4:].upper()
        embedded = any(_EMBEDDED in storage.upper() for storage in storages)
        if tag == _CLASS and not storages:
            report = _text(content, kind).upper().startswith("REPORT")
        elif tag in _TEXTS:
            texts.append((_TEXTS[tag] + 10 * embedded, _text(content, kind)))
        elif tag in (_ATTACHED, _FILE_NAME) and storages:
            files.setdefault(tuple(storages), {})[tag] = content
    kept = [text for rank, text in sorted(texts, key=lambda pair: pair[0]) if rank < 10 or not report]
    return Message(tuple(kept), tuple(_attachments(files)))


def _attachments(files: dict[tuple[str, ...], dict[str, bytes]]) -> Iterator[Attachment]:
    for streams in files.values():
        if _ATTACHED in streams:
            yield Attachment(streams.get(_FILE_NAME, b"").decode("utf-16-le", "replace"), streams[_ATTACHED])


def _text(content: bytes, kind: str) -> str:
    """Unicode, or 8-bit text in a code page that only its HTML names; ASCII is the same in all of them."""
    return content.decode("utf-16-le", "replace") if kind == _UNICODE else decode(content)
