"""Mail addresses in what people type: the local part names a person, and no target needs it. Pure; standard library only."""

from diagnostics.text import as_typed

_BEFORE = (" ", "\t", "\r", "\n", "\f", "\v", '"', "<", "(", ",", ";", ":")
"""What a local part cannot hold unless it is quoted (RFC 5322 section 3.2.3): it begins after the last of these."""

_SCHEMES = ("mailto:", "smtp:", "sip:")


def without_mailboxes(text: str) -> str:
    """`bob@contoso.com` → `contoso.com`, wherever it stands in the text; also quoted, in brackets, after a prefix or `--option=`.

    Takes time in proportion to the text. What holds no mail address comes back as it is.
    """
    plain = as_typed(text).replace("%40", "@")
    first, *rest = plain.split("@")
    if not rest:
        return text
    done = []
    for after in rest:
        before = _without_local_part(first)
        if before.endswith("<") and ">" in after:
            before, after = before[:-1], after.replace(">", "", 1)  # noqa: PLW2901 - the brackets go with the local part
        done.append(before)
        first = after
    return "".join(done) + first


def _without_local_part(piece: str) -> str:
    """What stands before a local part that the piece ends with."""
    if not piece:
        return ""
    if piece.endswith('"') and (opened := piece.rfind('"', 0, -1)) >= 0:
        return _without_scheme(piece[:opened])  # "bob smith"@contoso.com
    start = max(piece.rfind(mark) for mark in _BEFORE) + 1
    local = piece[start:]
    kept = ""
    if local.startswith("--") and "=" in local:
        kept = local.partition("=")[0] + "="
    elif local.startswith("'"):
        kept = "'"
    return _without_scheme(piece[:start]) + kept


def _without_scheme(text: str) -> str:
    return next((text[: -len(scheme)] for scheme in _SCHEMES if text[-len(scheme) :].lower() == scheme), text)
