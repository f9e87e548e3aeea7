"""What is in a .zip or .gz, unpacked in memory. Limits are measured while unpacking: what a header says of sizes is not believed.

Names of files in an archive are no paths here, and are shown to nobody: they are people's data.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from diagnostics.findings import Unread
from diagnostics.parse.files import file_types

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

MAX_FILES = 1000
MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes, of all archives that were given together, however deep they stand in each other."""

MAX_TEXT = 16 * 1024 * 1024
"""Of these, bytes of texts, mails and tables: the slowest take a second for each MiB or two."""

MAX_RATIO = 200
"""Bytes made of one, beyond the first MiB: a table of equal rows reaches 60, a bomb 1,000."""

_UNSUSPICIOUS = 1024 * 1024
_RECORD = b"PK\x01\x02"
"""Before each file in an archive's directory (APPNOTE 4.3.12)."""

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_LEFT_BY_SYSTEMS = ("__MACOSX/", "._", ".DS_Store", "Thumbs.db", "desktop.ini")


class NotUnpacked(Exception):
    """`why` tells it for the report."""

    def __init__(self, why: Unread) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Room:
    """What may still be unpacked."""

    files: int = MAX_FILES
    size: int = MAX_UNPACKED
    text: int = MAX_TEXT

    def holds(self, content: bytes) -> bool:
        """Whether that may be read; what is packed once more is counted when it is unpacked."""
        self.text -= 0 if content.startswith((file_types.ZIP, file_types.GZIP)) else len(content)
        return self.text >= 0


def opened(data: bytes) -> "ZipFile":
    """Raises NotUnpacked."""
    import zipfile  # noqa: PLC0415 - most texts come without an archive

    # counted before, because zipfile makes objects of all of them, and a hundred thousand fit into 5 MiB
    if data.count(_RECORD) > MAX_FILES:
        raise NotUnpacked(Unread.ARCHIVE_CUT)
    try:
        return zipfile.ZipFile(BytesIO(data))
    except Exception:  # struct, Unicode, offsets: zipfile lets through what it meets
        raise NotUnpacked(Unread.DAMAGED_ARCHIVE) from None


def files(archive: "ZipFile") -> "list[ZipInfo]":
    """Those that people put there."""
    return [info for info in archive.infolist() if not info.is_dir() and not _is_left_over(info.filename)]


def member(archive: "ZipFile", info: "ZipInfo", room: Room, most: int) -> bytes:
    """The first bytes of a file in it, at most one more than `most`; they are taken from `room`. Raises NotUnpacked."""
    if info.flag_bits & _ENCRYPTED:
        raise NotUnpacked(Unread.ENCRYPTED)
    # others can ask for any amount of memory (LZMA), or are not known to zipfile
    if info.compress_type not in (_STORED, _DEFLATED):
        raise NotUnpacked(Unread.ARCHIVE)
    if room.files <= 0 or room.size <= 0:
        raise NotUnpacked(Unread.ARCHIVE_CUT)
    room.files -= 1
    limit = min(most, room.size)
    try:
        with archive.open(info) as file:
            content = file.read(limit + 1)
    except Exception:
        room.size -= limit  # as much may have been unpacked before the damage
        raise NotUnpacked(Unread.DAMAGED_ARCHIVE) from None
    room.size -= len(content)
    if len(content) > max(_UNSUSPICIOUS, MAX_RATIO * info.compress_size) or (limit < most and len(content) > limit):
        raise NotUnpacked(Unread.ARCHIVE_CUT)
    return content


def document(archive: "ZipFile") -> Unread | None:
    """What an archive is if it is a document of a kind that is not read."""
    infos = archive.infolist()
    kind = next((info for info in infos[:1] if info.filename == "mimetype"), None)
    try:
        mimetype = member(archive, kind, Room(), 256) if kind else b""
    except NotUnpacked:
        mimetype = b""
    return file_types.of_package([info.filename for info in infos], mimetype)


def gunzipped(data: bytes, room: Room, most: int) -> bytes:
    """The first bytes of the file in a .gz, at most one more than `most`; as far as it goes where it is damaged."""
    limit = min(most, room.size)
    content = b"".join(_unzipped(data, limit + 1))
    room.size -= len(content)
    if not content or (limit < most and len(content) > limit):
        raise NotUnpacked(Unread.ARCHIVE_CUT if content else Unread.DAMAGED_ARCHIVE)
    return content


def _unzipped(data: bytes, most: int) -> Iterator[bytes]:
    """Piece by piece: logs that were packed day by day stand one behind the other (RFC 1952 section 2.2)."""
    for _ in range(MAX_FILES):
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            piece = unpacking.decompress(data, most)
        except zlib.error:
            return
        most -= len(piece)
        yield piece
        data = unpacking.unused_data
        if most <= 0 or not unpacking.eof or not data.startswith(file_types.GZIP):
            return


def _is_left_over(name: str) -> bool:
    return name.startswith(_LEFT_BY_SYSTEMS) or name.rpartition("/")[2].startswith(_LEFT_BY_SYSTEMS)
