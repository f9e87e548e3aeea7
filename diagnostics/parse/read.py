"""Whatever somebody pastes or attaches → ErrorReport. Never raises; reads at most 256 KiB of a paste and 5 MiB of a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from diagnostics.findings import Unread
from diagnostics.parse.files import archives, file_types, mime, msg, ole, tables
from diagnostics.parse.forms import alert
from diagnostics.parse.interpret.aggregate import tell
from diagnostics.parse.interpret.primary_error import report
from diagnostics.parse.report import ErrorReport, Note, Reported
from diagnostics.parse.text.charset import decode, is_text
from diagnostics.parse.text.normalize import lines, plain
from diagnostics.parse.text.passages import Block, blocks, connector
from diagnostics.parse.text.redact import MAX_DOMAINS, domains, redact
from diagnostics.parse.text.transfer_decoding import markup, paragraphs
from diagnostics.parse.tokens.builds import MAX_BUILDS, builds

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_PASTE = 256 * 1024
MAX_FILE = 5 * 1024 * 1024
MAX_LINE = 64 * 1024
MAX_AROUND = 2000
MAX_DEPTH = 10
"""Files in mails in files."""

_PACKED = (file_types.ZIP, file_types.GZIP)
_PARTLY = (Unread.TEXT_CUT, Unread.FILE_CUT, Unread.TOO_MANY_ROWS, Unread.TOO_MANY_ERRORS, Unread.NO_CODES, Unread.WORKBOOK_CUT)
_READ_AS_TEXT = ("text/plain", "text/html", "message/delivery-status", "message/global-delivery-status")


def read(text: str) -> ErrorReport:
    """What a pasted text says."""
    return read_all(text, ())


def read_file(name: str, data: bytes) -> ErrorReport:
    """What a text, mail, table or archive of them says; its content tells which it is, and the name only where that does not."""
    return read_all("", [(name, data)])


def read_all(text: str, files: Iterable[tuple[str, bytes]], *, unpack: bool = True) -> ErrorReport:
    """What a text and the files (name, content) that came with it say, as one report: what several of them say counts once.

    Raises Packed if there is an archive, at whatever depth, and `unpack` is False.
    """
    reading = _Reading(unpack=unpack)
    if text:
        reading.pasted(text)
    for name, data in files:
        reading.given(name, data)
    return reading.report()


class Packed(Exception):
    """There is something to unpack, which can take seconds however small the file is."""


def form(data: bytes) -> Unread | None:
    """The kind of a file whose first bytes show that it is not read; archives and compound files have to be read for that."""
    if mime.is_mail(data) or data.startswith((*_PACKED, file_types.COMPOUND, file_types.TNEF)):
        return None
    return file_types.unread(data) or (None if is_text(data) else Unread.UNKNOWN_FILE)


class _Reading:
    """Blocks, recipients' domains and notes, collected from all parts of what was given."""

    def __init__(self, *, unpack: bool) -> None:
        self._earlier: list[Block] = []
        self._blocks: list[Block] = []
        self._domains: dict[str, None] = {}
        self._builds: dict[str, None] = {}
        self._around = ""
        self._notes: dict[Note, None] = {}
        self._heads: list[str] = []
        self._room = archives.Room()
        self._unpack = unpack
        self._files = False
        self._something = False
        """Whether any text was found, in the files if there are some."""

    def pasted(self, text: str) -> None:
        raw = text.encode("utf-8", "replace")
        if len(raw) > MAX_PASTE:
            self.note(Unread.TEXT_CUT)
            text = raw[:MAX_PASTE].decode("utf-8", "ignore")
        self.text(text, 0)
        self._source_ends()

    def given(self, name: str, data: bytes) -> None:
        if not self._files:  # words beside a file are seldom more than "why is that?" or its name
            self._files, self._something = True, False
        self.source(name, data, 0)

    def source(self, name: str, data: bytes, depth: int) -> None:
        """A file that people put beside others, which may say the same."""
        if len(data) > MAX_FILE:
            self.note(Unread.FILE_CUT)
            data = _whole_lines(data[:MAX_FILE])
        self.file(name, data, depth)
        self._source_ends()

    def _source_ends(self) -> None:
        """A row counts as often as in the source that has it most often: two reports of overlapping days share their rows."""
        new, self._blocks = self._blocks, []
        if not self._earlier:
            self._earlier = new
            return
        more = Counter(new) - Counter(self._earlier)
        for block in new:
            if more[block]:
                more[block] -= 1
                self._earlier.append(block)

    def report(self) -> ErrorReport:
        told, left_out = tell(self._earlier)
        if left_out:
            self.note(Unread.TOO_MANY_ROWS, left_out)
        found = report(told, tuple(self._notes), tuple(self._domains)[:MAX_DOMAINS])
        alerted = None if found.errors else alert.named(self._heads)
        unread = None if self._something else next((n.what for n in self._notes if n.what not in _PARTLY), None)
        more = {"alert": alerted, "builds": tuple(self._builds)[:MAX_BUILDS], "not_read": unread}
        return found.model_copy(update=more | {"said_apart": self._apart(found.errors)})

    def _apart(self, errors: Sequence[Reported]) -> str | None:
        if all(error.text or error.message or error.chain or not error.enhanced.endswith(".0") for error in errors):
            return None
        from diagnostics.catalogue import refusals  # noqa: PLC0415 - most errors have words of their own

        return refusals.kind(self._around, apart=True)

    def note(self, what: Unread, count: int = 0) -> None:
        self._notes[Note(what, count)] = None

    def file(self, name: str, data: bytes, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.note(Unread.TOO_DEEP)
        elif data.startswith(_PACKED) and not self._unpack:
            raise Packed
        elif (kind := form(data)) is not None:
            self.note(kind)
        elif mime.is_mail(data):
            self._mail(data, depth)
        elif data.startswith(file_types.COMPOUND):
            self._compound(name, data, depth)
        elif data.startswith(file_types.ZIP):
            self._archive(data, depth)
        elif data.startswith(file_types.GZIP):
            self._gzip(name, data, depth)
        elif data.startswith(file_types.TNEF):
            self._tnef(data, depth)
        elif data.startswith(file_types.RTF):
            self._take(_cleaned(lines(_rich(data))))
        else:
            self.text(decode(data), depth, table_by_name=name.lower().endswith((".csv", ".tsv")))

    def text(self, text: str, depth: int, *, table_by_name: bool = False) -> None:
        """A text of unknown kind: the source of a mail, a table, or what Exchange and people write."""
        text = lines(text)
        self._heads.append(text[: alert.MAX_TEXT])
        self._something = self._something or bool(text.strip())
        if mime.is_mail(text[: mime.MAX_HEADERS].encode("utf-8", "replace")):
            self._mail(text.encode("utf-8", "replace"), depth)
        elif (rows := tables.json_rows(text)) is not None:
            self._blocks += [_cleaned_row(row) for row in rows]
        elif tables.is_csv(text, certain=table_by_name):
            self._table(list(tables.csv_rows(redact(plain(text)))))
        else:
            self._take(_cleaned(text))

    def _take(self, text: str) -> None:
        self._heads.append(text[: alert.MAX_TEXT])
        self._something = self._something or bool(text.strip())
        self._domains |= dict.fromkeys(domains(text))
        self._builds |= dict.fromkeys(builds(text))
        self._around = self._around or text[:MAX_AROUND]
        self._blocks += blocks(text)

    def _table(self, rows: list[Block]) -> None:
        if not rows:
            self.note(Unread.NO_CODES)
        self._blocks += rows

    def _mail(self, data: bytes, depth: int) -> None:
        self._heads.append(data[: alert.MAX_TEXT].decode("utf-8", "replace"))
        try:
            for part in mime.parts(data):
                if part.kind in _READ_AS_TEXT:
                    self._take(_cleaned(lines(part.text)))
                else:
                    self.file(part.name, part.data, depth + 1)
        except mime.TooDeep:
            self.note(Unread.TOO_DEEP)

    def _compound(self, name: str, data: bytes, depth: int) -> None:
        """A message of Outlook's, or a document of the old Office."""
        try:
            file = ole.Compound(data)
        except ole.Malformed:
            self.note(file_types.of_damaged_compound(data, name))
            return
        roots = file.roots()
        if not any(root.startswith("__") for root in roots):
            self.note(file_types.of_compound(roots, name) if roots else file_types.of_damaged_compound(data, name))
            return
        message = msg.message(file)
        for text in message.texts:
            self._take(_cleaned(lines(text)))
        for attachment in message.attachments:
            self.file(attachment.name, attachment.data, depth + 1)

    def _archive(self, data: bytes, depth: int) -> None:
        self._source_ends()
        try:
            with archives.opened(data) as archive:
                if file_types.is_workbook(archive.namelist()):
                    self._workbook(archive, depth)
                elif (kind := archives.document(archive)) is not None:
                    self.note(kind)
                else:
                    self._members(archive, depth)
        except archives.NotUnpacked as error:
            self.note(error.why)

    def _members(self, archive: "ZipFile", depth: int) -> None:
        for info in archives.files(archive):
            try:
                content = archives.member(archive, info, self._room, MAX_FILE)
            except archives.NotUnpacked as error:
                self.note(error.why)
            else:
                self._unpacked(info.filename, content, depth + 1)

    def _unpacked(self, name: str, content: bytes, depth: int) -> None:
        if self._room.holds(content):
            self.source(name, content, depth)
        else:
            self.note(Unread.ARCHIVE_CUT)

    def _workbook(self, archive: "ZipFile", depth: int) -> None:
        """Its sheets are one source. Raises NotUnpacked."""
        from diagnostics.parse.files import xlsx  # noqa: PLC0415 - few files are one

        sheets, cut = xlsx.sheets(archive, self._room)
        if cut:
            self.note(Unread.WORKBOOK_CUT)
        for sheet in sheets:
            self.text(sheet.text, depth, table_by_name=sheet.is_table)

    def _gzip(self, name: str, data: bytes, depth: int) -> None:
        try:
            content = archives.gunzipped(data, self._room, MAX_FILE)
        except archives.NotUnpacked as error:
            self.note(error.why)
        else:
            self._unpacked(name.lower().removesuffix(".gz"), content, depth + 1)

    def _tnef(self, data: bytes, depth: int) -> None:
        from diagnostics.parse.files import tnef  # noqa: PLC0415 - few mails hold one

        try:
            message = tnef.message(data)
        except tnef.Malformed:
            self.note(Unread.DAMAGED_TNEF)
            return
        for text in message.texts or ((_rich(message.rtf),) if message.rtf else ()):
            self._take(_cleaned(lines(text)))
        for name, content in message.files:
            self.file(name, content, depth + 1)


def _rich(data: bytes) -> str:
    """The text of RTF, as a file or compressed."""
    from diagnostics.parse.files import rtf  # noqa: PLC0415 - few files hold it

    return rtf.text(data[: rtf.MAX_RTF] if data.startswith(file_types.RTF) else rtf.decompress(data))


def _whole_lines(data: bytes) -> bytes:
    """Without the line that the limit cut: half a row of a table would be an error without a destination."""
    end = data.rfind(b"\n", len(data) - MAX_LINE)
    return data[: end + 1] if end >= 0 else data


def _cleaned(text: str) -> str:
    return redact(plain(markup(paragraphs(text))))


def _cleaned_row(row: Block) -> Block:
    text = _cleaned(lines(row.text))
    return replace(row, text=text, connector=connector(_cleaned(lines(f"Connector: {row.connector}")) if row.connector else text))
