"""Outlook's .msg ([MS-OXMSG]): the streams that hold text. A report's embedded message is the one that came back: left out."""

from collections.abc import Iterator
from typing import NamedTuple

from diagnostics.parse.files.ole import Compound
from diagnostics.parse.text.charset import decode

_PREFIX = "__substg1.0_"
_CLASS = "001A"
_TEXTS = {
    "1001": 0,  # PidTagReportText
    "0C1B": 1,  # PidTagSupplementaryInfo: the server's diagnosis, one a recipient of a report
    "1000": 2,  # PidTagBody
    "1013": 3,  # PidTagHtml, PidTagBodyHtml
}
_BODIES = ("1000", "1013")
_RTF, _RTF_RANK = "1009", 4  # PidTagRtfCompressed: the same body once more, and often the only one
_ATTACHED, _FILE_NAME = "3701", "3707"
_EMBEDDED = "3701000D"
_UNICODE = "001F"


class Attachment(NamedTuple):
    name: str
    data: bytes


class Message(NamedTuple):
    """Texts in order of what they are worth, best first; and attached files, of which some may be bounces."""

    texts: tuple[str, ...]
    attachments: tuple[Attachment, ...]


def message(file: Compound) -> Message:
    """What a .msg file says."""
    texts: list[tuple[int, str]] = []
    files: dict[tuple[str, ...], dict[str, bytes]] = {}
    rich: dict[tuple[str, ...], bytes] = {}
    written: set[tuple[str, ...]] = set()
    report = False
    for (*path, name), content in file.streams():
        if not name.startswith(_PREFIX) or len(name) != len(_PREFIX) + 8:
            continue
        tag, kind, storages = name[len(_PREFIX) :][:4].upper(), name[-4:].upper(), tuple(path)
        if tag == _CLASS and not storages:
            report = _text(content, kind).upper().startswith("REPORT")
        elif tag in _TEXTS and (text := _text(content, kind)).strip():
            texts.append((_TEXTS[tag] + 10 * _embedded(storages), text))
            written |= {storages} if tag in _BODIES else set()
        elif tag == _RTF:
            rich[storages] = content
        elif tag in (_ATTACHED, _FILE_NAME) and storages:
            files.setdefault(storages, {})[tag] = content
    texts += _rich({storages: rich[storages] for storages in sorted(rich, key=_embedded) if storages not in written})
    kept = [text for rank, text in sorted(texts, key=lambda pair: pair[0]) if rank < 10 or not report]
    return Message(tuple(kept), tuple(_attachments(files)))


def _embedded(storages: tuple[str, ...]) -> bool:
    return any(_EMBEDDED in storage.upper() for storage in storages)


def _rich(bodies: dict[tuple[str, ...], bytes]) -> Iterator[tuple[int, str]]:
    """With their ranks. All of them share one limit, or many small bombs would make a large one."""
    from diagnostics.parse.files import rtf  # noqa: PLC0415 - few files hold it, and every text would wait for it

    left = rtf.MAX_RTF
    for storages, compressed in bodies.items():
        raw = rtf.decompress(compressed, left)
        left -= len(raw)
        yield _RTF_RANK + 10 * _embedded(storages), rtf.text(raw)


def _attachments(files: dict[tuple[str, ...], dict[str, bytes]]) -> Iterator[Attachment]:
    for streams in files.values():
        if _ATTACHED in streams:
            yield Attachment(streams.get(_FILE_NAME, b"").decode("utf-16-le", "replace"), streams[_ATTACHED])


def _text(content: bytes, kind: str) -> str:
    """Unicode, or 8-bit text in a code page that only its HTML names; ASCII is the same in all of them."""
    return content.decode("utf-16-le", "replace") if kind == _UNICODE else decode(content)
