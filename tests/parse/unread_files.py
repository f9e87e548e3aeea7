"""Files of the forms that are not read, by name, with what is said of each."""

import struct

from diagnostics.findings import Unread
from tests.parse.making import ATTEMPT, compound, zipped

TYPES = "[Content_Types].xml"
REST = bytes(range(256)) * 8
FEW = REST[:256]
ISO = struct.pack(">I", 24) + b"ftyp"
DOCUMENTS = {
    "shot.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + REST, Unread.PICTURE),
    "shot.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + REST, Unread.PICTURE),
    "shot.gif": (b"GIF89a" + REST, Unread.PICTURE),
    "shot.webp": (b"RIFF\x24\x10\0\0WEBPVP8 " + REST, Unread.PICTURE),
    "shot.heic": (ISO + b"heic\0\0\0\0mif1heic" + REST, Unread.PICTURE),
    "shot.bmp": (b"BM" + struct.pack("<IHHI", 4000, 0, 0, 54) + struct.pack("<IiiHH", 40, 9, 9, 1, 24) + REST, Unread.PICTURE),
    "shot.tif": (b"II*\0\x08\0\0\0" + REST, Unread.PICTURE),
    "fax.tiff": (b"MM\0*\0\0\0\x08" + REST, Unread.PICTURE),
    "call.mp4": (ISO + b"isom\0\0\2\0isomiso2" + REST, Unread.RECORDING),
    "call.wav": (b"RIFF\x24\x10\0\0WAVEfmt " + REST, Unread.RECORDING),
    "bounce.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n" + REST, Unread.PDF),
    "bounce.docx": (zipped({TYPES: "<Types/>", "_rels/.rels": "", "word/document.xml": ATTEMPT}), Unread.WORD),
    "deck.pptx": (zipped({TYPES: "<Types/>", "_rels/.rels": "", "ppt/presentation.xml": ATTEMPT}), Unread.PRESENTATION),
    "trace.xlsb": (zipped({TYPES: "<Types/>", "xl/workbook.bin": b"\x83\1"}), Unread.OLD_WORKBOOK),
    "trace.ods": (
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ATTEMPT}),
        Unread.OFFICE_DOCUMENT,
    ),
    "bounce.doc": (compound({"WordDocument": ATTEMPT.encode("cp1252"), "1Table": FEW, "ObjectPool/x": b""}), Unread.WORD),
    "trace.xls": (compound({"Workbook": FEW}), Unread.OLD_WORKBOOK),
    "deck.ppt": (compound({"PowerPoint Document": FEW, "Current User": b"x"}), Unread.PRESENTATION),
    "locked.xlsx": (compound({"EncryptedPackage": FEW, "EncryptionInfo": FEW}), Unread.PROTECTED_DOCUMENT),
    "setup.msi": (compound({"Stream": FEW}), Unread.UNKNOWN_FILE),
    "logs.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + REST, Unread.ARCHIVE),
    "logs.rar": (b"Rar!\x1a\x07\1\0" + REST, Unread.ARCHIVE),
    "logs.tar": (b"bounce.txt".ljust(100, b"\0") + b"0000644\0".ljust(157, b"\0") + b"ustar\x0000" + REST, Unread.ARCHIVE),
    "logs.tar.xz": (b"\xfd7zXZ\0\0\4" + REST, Unread.ARCHIVE),
    "logs.tar.bz2": (b"BZh91AY&SY" + REST, Unread.ARCHIVE),
    "logs.zst": (b"\x28\xb5\x2f\xfd" + REST, Unread.ARCHIVE),
    "box.pst": (b"!BDN" + REST, Unread.OUTLOOK_STORE),
    "system.evtx": (b"ElfFile\0" + REST, Unread.EVENT_LOG),
}
