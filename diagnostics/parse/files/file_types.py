"""What kind of file that is, by its first bytes: the kinds that are not read, so that each can be named."""

from diagnostics.findings import Unread

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b\x08"
TNEF = b"\x78\x9f\x3e\x22"
RTF = b"{\\rtf"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_STARTS = (
    *((start, Unread.PICTURE) for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")),
    *((start, Unread.ARCHIVE) for start in (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")),
    *((start, Unread.RECORDING) for start in (b"\x1aE\xdf\xa3", b"ID3\2", b"ID3\3", b"ID3\4", b"OggS\0", b"fLaC\0")),
    (b"MSCF\0\0\0\0", Unread.ARCHIVE),
    (b"!BDN", Unread.OUTLOOK_STORE),
    (b"ElfFile\0", Unread.EVENT_LOG),
    (b"PK\5\6", Unread.DAMAGED_ARCHIVE),  # an archive of nothing
    (b"PK\7\x08", Unread.ARCHIVE),  # one of several parts
)
_RIFF = {b"WEBP": Unread.PICTURE, b"WAVE": Unread.RECORDING, b"AVI ": Unread.RECORDING}
_STILL = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_OFFICE = {
    "WordDocument": Unread.WORD,
    "Workbook": Unread.OLD_WORKBOOK,
    "Book": Unread.OLD_WORKBOOK,
    "PowerPoint": Unread.PRESENTATION,
    "EncryptedPackage": Unread.PROTECTED_DOCUMENT,
    "VisioDocument": Unread.OFFICE_DOCUMENT,
}
"""First words of streams by which a compound file is known for what it is; those of a message start with two underscores."""

_OFFICE_ENDINGS = {
    **dict.fromkeys((".doc", ".dot"), Unread.WORD),
    **dict.fromkeys((".xls", ".xlt"), Unread.OLD_WORKBOOK),
    **dict.fromkeys((".ppt", ".pps"), Unread.PRESENTATION),
}


def unread(data: bytes) -> Unread | None:
    """What kind of file that is, if it is one that is known and never read."""
    found = next((kind for start, kind in _STARTS if data.startswith(start)), None)
    if found:
        return found
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return Unread.PICTURE if data[8:12] in _STILL else Unread.RECORDING
    if data.startswith(b"BM") and data[15:18] == b"\0\0\0" and data[14:15] and data[14] in _BITMAP_HEADERS:
        return Unread.PICTURE
    if data.startswith(b"BZh") and data[4:10] == b"1AY&SY":
        return Unread.ARCHIVE
    if data[257:262] == b"ustar":
        return Unread.ARCHIVE
    return Unread.PDF if b"%PDF-" in data[:1024] and b"\n" in data[:4096] and b" obj" in data[:65536] else None


def of_package(names: list[str], mimetype: bytes) -> Unread | None:
    """What an archive with these names is if it is a document, but for a workbook that is read; None for an archive of files."""
    if mimetype.startswith((b"application/vnd.oasis.opendocument", b"application/epub")):
        return Unread.OFFICE_DOCUMENT
    if "[Content_Types].xml" in names:
        if "xl/workbook.bin" in names:
            return Unread.OLD_WORKBOOK
        starts = {name.partition("/")[0] for name in names}
        kinds = {"word": Unread.WORD, "ppt": Unread.PRESENTATION, "visio": Unread.OFFICE_DOCUMENT}
        return next((kind for start, kind in kinds.items() if start in starts), None)
    return Unread.OFFICE_DOCUMENT if "Index/Document.iwa" in names else None


def is_workbook(names: list[str]) -> bool:
    """Whether an archive with these names is an .xlsx file."""
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names) and "xl/workbook.bin" not in names


def of_compound(streams: list[str], name: str) -> Unread:
    """What a compound file is that is no message, by its streams, else by the end of its name."""
    found = (_OFFICE[word] for word in (stream.partition(" ")[0] for stream in streams) if word in _OFFICE)
    return next(found, None) or _OFFICE_ENDINGS.get(name[-4:].lower(), Unread.UNKNOWN_FILE)


def of_damaged_compound(data: bytes, name: str) -> Unread:
    """What a compound file was whose directory cannot be followed."""
    if "__substg1.0_".encode("utf-16-le") in data:
        return Unread.DAMAGED_MESSAGE
    streams = [stream for stream in _OFFICE if stream.encode("utf-16-le") in data]
    kind = of_compound(streams, name)
    return Unread.DAMAGED_MESSAGE if kind is Unread.UNKNOWN_FILE else kind
