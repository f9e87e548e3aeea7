"""Whatever somebody pastes or attaches → ErrorReport. Never raises; reads at most 256 KiB of a paste and 5 MiB of a file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from diagnostics.findings import Unread
from diagnostics.parse import alert, compound, mime, outlook, table
from diagnostics.parse.blocks import Block, blocks, connector
from diagnostics.parse.builds import MAX_BUILDS, builds
from diagnostics.parse.charset import decode, is_text
from diagnostics.parse.clean import lines, plain
from diagnostics.parse.counting import tell
from diagnostics.parse.encoded import markup, paragraphs
from diagnostics.parse.ranking import report
from diagnostics.parse.redact import MAX_DOMAINS, domains, redact
from diagnostics.parse.report import ErrorReport, Note

MAX_PASTE = 256 * 1024
MAX_FILE = 5 * 1024 * 1024
MAX_LINE = 64 * 1024
MAX_DEPTH = 10
"""Files in mails in files."""

_ARCHIVES = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_READ_AS_TEXT = ("text/plain", "text/html", "message/delivery-status", "message/global-delivery-status")


def read(text: str) -> ErrorReport:
    """What a pasted text says."""
    return read_all(text, ())


def read_file(name: str, data: bytes) -> ErrorReport:
    """What a text, .eml, .msg or .csv file says; its content tells which it is, and the name only where that does not."""
    return read_all("", [(name, data)])


def read_all(text: str, files: Iterable[tuple[str, bytes]]) -> ErrorReport:
    """What a text and the files (name, content) that came with it say, as one report: what several of them say counts once."""
    reading = _Reading()
    if text:
        reading.pasted(text)
    for name, data in files:
        reading.given(name, data)
    return reading.report()


def is_readable(data: bytes) -> bool:
    """Whether a file is of a kind that is read at all."""
    return data.startswith(compound.MAGIC) or (not data.startswith(_ARCHIVES) and (mime.is_mail(data) or is_text(data)))


class _Reading:
    """Blocks, recipients' domains and notes, collected from all parts of what was given."""

    def __init__(self) -> None:
        self._earlier: list[Block] = []
        self._blocks: list[Block] = []
        self._domains: dict[str, None] = {}
        self._builds: dict[str, None] = {}
        self._notes: dict[Note, None] = {}
        self._heads: list[str] = []

    def pasted(self, text: str) -> None:
        raw = text.encode("utf-8", "replace")
        if len(raw) > MAX_PASTE:
            self.note(Unread.TEXT_CUT)
            text = raw[:MAX_PASTE].decode("utf-8", "ignore")
        self.text(text, 0)
        self._source_ends()

    def given(self, name: str, data: bytes) -> None:
        if len(data) > MAX_FILE:
            self.note(Unread.FILE_CUT)
            data = _whole_lines(data[:MAX_FILE])
        self.file(name, data, 0)
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
        return found.model_copy(update={"alert": alerted, "builds": tuple(self._builds)[:MAX_BUILDS]})

    def note(self, what: Unread, count: int = 0) -> None:
        self._notes[Note(what, count)] = None

    def file(self, name: str, data: bytes, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.note(Unread.TOO_DEEP)
        elif data.startswith(compound.MAGIC):
            self._outlook(data, depth)
        elif data.startswith(_ARCHIVES):
            self.note(Unread.ARCHIVE)
        elif mime.is_mail(data):
            self._mail(data, depth)
        elif is_text(data):
            self.text(decode(data), depth, table_by_name=name.lower().endswith((".csv", ".tsv")))
        else:
            self.note(Unread.UNKNOWN_FILE)

    def text(self, text: str, depth: int, *, table_by_name: bool = False) -> None:
        """A text of unknown kind: the source of a mail, a table, or what Exchange and people write."""
        text = lines(text)
        self._heads.append(text[: alert.MAX_TEXT])
        if mime.is_mail(text[: mime.MAX_HEADERS].encode("utf-8", "replace")):
            self._mail(text.encode("utf-8", "replace"), depth)
        elif (rows := table.json_rows(text)) is not None:
            self._blocks += [_cleaned_row(row) for row in rows]
        elif table.is_csv(text, certain=table_by_name):
            self._table(list(table.csv_rows(redact(plain(text)))))
        else:
            self._take(_cleaned(text))

    def _take(self, text: str) -> None:
        self._heads.append(text[: alert.MAX_TEXT])
        self._domains |= dict.fromkeys(domains(text))
        self._builds |= dict.fromkeys(builds(text))
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

    def _outlook(self, data: bytes, depth: int) -> None:
        try:
            message = outlook.message(data)
        except compound.Malformed:
            self.note(Unread.DAMAGED_MESSAGE)
            return
        for text in message.texts:
            self._take(_cleaned(lines(text)))
        for attachment in message.attachments:
            self.file(attachment.name, attachment.data, depth + 1)


def _whole_lines(data: bytes) -> bytes:
    """Without the line that the limit cut: half a row of a table would be an error without a destination."""
    end = data.rfind(b"\n", len(data) - MAX_LINE)
    return data[: end + 1] if end >= 0 else data


def _cleaned(text: str) -> str:
    return redact(plain(markup(paragraphs(text))))


def _cleaned_row(row: Block) -> Block:
    text = _cleaned(lines(row.text))
    return replace(row, text=text, connector=connector(_cleaned(lines(f"Connector: {row.connector}")) if row.connector else text))
