"""What is printed for PowerShell stays one command, whatever the names of a tenant hold (contract 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.connectors.source import Object, Value
from diagnostics.fix.cmdlet import Unprintable, is_guid, quoted, write

GUID = "6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11"
QUOTES = ("\u0027", "\u2018", "\u2019", "\u201a", "\u201b")


def read_string(line: str, at: int) -> tuple[str, int]:
    """A single-quoted string of PowerShell that begins at `at`, and where it ends: any two quotes in a row are the second."""
    assert line[at] in QUOTES
    text, at = "", at + 1
    while True:
        if line[at] not in QUOTES:
            text += line[at]
        elif line[at + 1 : at + 2] in QUOTES:
            at += 1
            text += line[at]
        else:
            return text, at + 1
        at += 1


@pytest.mark.parametrize(
    ("kind", "value", "line"),
    [
        ("connector", False, f"Set-OutboundConnector -Identity '{GUID}' -Enabled $false"),
        ("connector", True, f"Set-OutboundConnector -Identity '{GUID}' -Enabled $true"),
        ("accepted-domain", "Authoritative", f"Set-AcceptedDomain -Identity '{GUID}' -DomainType 'Authoritative'"),
        ("accepted-domain", "InternalRelay", f"Set-AcceptedDomain -Identity '{GUID}' -DomainType 'InternalRelay'"),
    ],
)
def test_a_write_is_one_cmdlet(kind: Object, value: Value, line: str) -> None:
    assert write(kind, GUID, value) == line


@pytest.mark.parametrize(
    "guid",
    [
        "",
        "*",
        "Contoso",
        "00000000-0000-0000-0000-000000000000",
        GUID + "\n",
        GUID[:-1] + "\u0661",
        "{" + GUID + "}",
        GUID + "'; x",
    ],
)
def test_only_a_guid_is_an_identity(guid: str) -> None:
    assert not is_guid(guid)
    with pytest.raises(Unprintable):
        write("connector", guid, False)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Contoso", "'Contoso'"),
        ("", "''"),
        ("O'Neil", "'O''Neil'"),
        ('$(calc) `n "x"', "'$(calc) `n \"x\"'"),
        *((q, f"'{q}{q}'") for q in QUOTES),
    ],
)
def test_quotes_are_doubled_and_nothing_else_is_changed(text: str, printed: str) -> None:
    assert quoted(text) == printed


shown = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]) | st.sampled_from([*QUOTES, ";", "$", "`", "|"]))


@given(shown, shown)
def test_what_is_quoted_is_read_as_it_was_and_ends_where_it_ends(text: str, after: str) -> None:
    line = quoted(text)
    assert read_string(line, 0) == (text, len(line))
    assert read_string(f"{line} -Confirm {quoted(after)}", 0) == (text, len(line))


@given(shown, st.sampled_from(["\n", "\r", "\0", "\x1b", "\x85", "\u202e", "\u200b", "\u2028", "\u2029", "\ud800"]), shown)
def test_what_a_person_does_not_see_is_not_printed(before: str, unseen: str, after: str) -> None:
    with pytest.raises(Unprintable):
        quoted(before + unseen + after)
