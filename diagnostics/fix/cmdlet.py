"""One write as the PowerShell line that a person pastes. Pure.

Names of a tenant are other people's text: what is printed here must stay one value whatever they hold.
"""

import unicodedata

from diagnostics.connectors.source import GUID, Object, Value

QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell ends a single-quoted string at any of these (about_Quoting_Rules; its tokenizer takes the curly ones as well)."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a person does not see, or sees elsewhere than it stands: line ends, bidi marks, halves of pairs."""

_CMDLETS: dict[Object, tuple[str, str]] = {
    "accepted-domain": ("Set-AcceptedDomain", "DomainType"),
    "connector": ("Set-OutboundConnector", "Enabled"),
}


class Unprintable(ValueError):
    """A value that must not be pasted into a shell: one sentence fit to be shown."""


def is_guid(text: str) -> bool:
    """Whether it names one object: Exchange Online answers for the empty Guid, as for no identity, with all objects."""
    return bool(GUID.fullmatch(text)) and text.strip("0-") != ""


def write(kind: Object, guid: str, value: Value) -> str:
    """The cmdlet that sets a connector's `Enabled` or an accepted domain's `DomainType`. Raises Unprintable."""
    if not is_guid(guid):
        raise Unprintable("No cmdlet is printed: without a well-formed Guid it could change another object.")
    cmdlet, parameter = _CMDLETS[kind]
    said = quoted(value) if isinstance(value, str) else "$true" if value else "$false"
    return f"{cmdlet} -Identity '{guid}' -{parameter} {said}"


def quoted(text: str) -> str:
    """A single-quoted PowerShell string, in which nothing is expanded. Raises Unprintable."""
    if any(unicodedata.category(sign) in _UNSEEN for sign in text):
        raise Unprintable("No cmdlet is printed: a value holds control characters, which a shell could take for more than text.")
    return "'" + "".join(sign * 2 if sign in QUOTES else sign for sign in text) + "'"
