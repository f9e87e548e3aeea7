"""People's data leave the text before anything reads it: addresses keep their domain, secrets and message ids go."""

import re

_PART = r"\s<>()\[\]{},;:\"'|…@"
_LOCAL = re.compile(
    rf"(?:\"[^\"\n]{{1,64}}\"|(?<![^{_PART}])[^{_PART}]{{1,65536}})(?=@[^\x00-/:-@\\-`{{-\x7f])"
)  # fmt: skip
"""From the start of a word alone, so that the work grows with the text and not faster.

No possessive or atomic group: Python 3.11.2, which Debian 12 has, does not match what some of them match.

Letters of other scripts are what is no sign of ASCII: a range up to the last of them takes milliseconds to compile.
"""

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?<![0-9A-Za-z][0-9A-Fa-f]{8})(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_GUID_INSIDE = re.compile(r"-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-")
_SECRET_WORDS = ("xox", "xapp-", "eyJ", "earer", "ecret", "assword", "wd", "oken")
_SECRET = re.compile(
    r"\bxox[a-z]-[\w-]{1,512}|\bxapp-[\w-]{1,512}|\beyJ[\w.-]{8,8192}|\b[Bb]earer [\w.~+/=-]{8,4096}|"
    r"\b(?:client_)?(?:[Ss]ecret|[Pp]assword|[Pp]wd|[Tt]oken)\s?[=:]\s?[^\s;,&]{1,512}"
)
_SUBJECT = re.compile(
    r"([Ss]ubject(?: of)? ?)(?:\((?:[^()\n]|\n(?![ \t]{0,80}\n)|\([^()\n]{0,256}\)){1,512}\)|\([^\n]{1,512}|"
    r"\"[^\"\n]{1,512}\"|'[^'\n]{1,512}')"
)
"""In brackets, with brackets in it, broken over lines; of a cut one the rest of the line."""

_DIRECTORY_NAME = re.compile(r"(/cn=)Recipients/cn=[^/\s;,\"'<>()\[\]{}|]{1,256}", re.IGNORECASE)
"""A mailbox as Exchange names it inside (`legacyExchangeDN`)."""

_QUOTED_AT = re.compile(r"(?:(?<![\w.+%'-])|(?<=%40))(?:(?!%40)[\w.+%'-]){1,65536}(?=%40[^\W_])")
"""A local part in a web address, its at sign percent-encoded (RFC 3986 section 2.1)."""

_SUBJECT_WORDS = (
    *("Subject", "Thread-Topic", "Betreff", "Objet", "Asunto", "Oggetto", "Assunto", "Onderwerp", "Ämne", "Emne", "Temat"),
    *("Тема", "件名", "主题", "主旨", "제목"),
)
_SUBJECT_LINE = re.compile(
    rf"(MessageSubject|{'|'.join(_SUBJECT_WORDS)})[ \t]{{0,30}}:"
    r"(?:(?!\s[A-Z][A-Za-z-]{2,30}:\s)(?:[^\n]|\n[ \t])){1,998}"
)
"""To the end of the line, or to the next field where a paste has lost its line ends."""

_NOT_A_SUBJECT = re.compile(r"(?:Expected|Presented)\s{0,8}\Z")
_ALONE = re.compile(r"(?:^|[:;(])[ \t]{0,8}…@([A-Za-z0-9.-]{3,253})[ \t>)]{0,4}$", re.MULTILINE)
MAX_DOMAINS = 16


def redact(text: str) -> str:
    """The text without local parts of addresses (`…@contoso.com` stays), subjects, GUIDs and tokens."""
    if "@" in text:
        text = _LOCAL.sub(_without_local_part, text)
    if "%40" in text:
        text = _QUOTED_AT.sub("…", text)
    if "/cn=" in text or "/CN=" in text:
        text = _DIRECTORY_NAME.sub(r"\1…", text)
    if any(word in text for word in _SUBJECT_WORDS):
        text = _SUBJECT_LINE.sub(_without_subject, text)
    if "ubject" in text:
        text = _SUBJECT.sub(r"\1…", text)
    if _GUID_INSIDE.search(text):
        text = _GUID.sub("…", text)
    return _SECRET.sub("…", text) if any(word in text for word in _SECRET_WORDS) else text


def domains(text: str) -> list[str]:
    """Domains of addresses that stand alone in a line or behind a label of a redacted text: recipients of a bounce."""
    if "…@" not in text:
        return []
    found = dict.fromkeys(match[1].lower().rstrip(".") for match in _ALONE.finditer(text))
    return [name for name in found if "." in name][:MAX_DOMAINS]


def _without_local_part(match: re.Match[str]) -> str:
    """Of a field whose value is the address, the key stays."""
    if "=" in match[0] and match.string[match.start() - 1 : match.start()] in ("[", "{", "("):
        return match[0][: match[0].index("=") + 1] + "…"
    return "…"


def _without_subject(match: re.Match[str]) -> str:
    """The subject of a mail; a certificate has one too, and longer words end in this one."""
    before = match.string[max(0, match.start() - 20) : match.start()]
    if before[-1:] not in ("", " ", "\t", "\n") or _NOT_A_SUBJECT.search(before):
        return match[0]
    return f"{match[1]}: …"
