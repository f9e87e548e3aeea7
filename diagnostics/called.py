"""Names that people type for connectors: which connector is meant, what is one name, and what is written much like it. Pure."""

import difflib
from collections.abc import Iterator, Sequence
from itertools import islice

from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.mailboxes import without_mailboxes
from diagnostics.text import as_typed

EVERYTHING = "all"
"""Typed alone it is no TARGET: it says what `check` does without any."""

SUGGESTED = 3
MAX_COMPARED = 2000
"""Names that a mistyped one is compared with: one comparison takes up to 50 µs, and a tenant may list thousands of domains."""

_WIDE = 64


def named(text: str, inventory: Inventory) -> tuple[Connector, ...]:
    """The connector with that Guid (in braces or not), else all of that name."""
    guid = text.strip("{}").lower()
    by_guid = tuple(c for c in inventory.connectors if c.Guid and c.Guid.lower() == guid)
    return by_guid or tuple(c for c in inventory.connectors if _folded(c.Name) == _folded(text))


def as_targets(words: Sequence[str], inventory: Inventory) -> tuple[str, ...]:
    """Words as somebody typed them → TARGETs: those that together are a connector's name are one, the longest name first.

    Words that are each a connector's name stay apart: a list of names means those connectors.
    """
    if len(words) == 1 and words[0].strip().casefold() == EVERYTHING and not named(words[0], inventory):
        return ()
    if len(words) < 2:
        return tuple(words)
    known = {_folded(c.Name) for c in inventory.connectors}
    longest = max((name.count(" ") + 1 for name in known), default=1)
    found: list[str] = []
    start = 0
    while start < len(words):
        size = next((n for n in range(min(longest, len(words) - start), 1, -1) if _is_one(words[start : start + n], known)), 1)
        found.append(" ".join(words[start : start + size]))
        start += size
    return tuple(found)


def closest(text: str, inventory: Inventory) -> tuple[str, ...]:
    """What is written much like `text`, or holds it: at most SUGGESTED names, quoted."""
    wanted = _folded(text)[:_WIDE]
    names: dict[str, str] = {}
    for name in islice(_candidates(inventory), MAX_COMPARED):
        names.setdefault(_folded(name[:_WIDE]), name)
    words = {word: names[key] for key in reversed(names) for word in key.split()}
    holding = [name for key, name in names.items() if len(wanted) > 1 and wanted in key]
    alike = [table[key] for table in (names, words) for key in difflib.get_close_matches(wanted, table, n=SUGGESTED)]
    return tuple(dict.fromkeys(map(quoted, (*holding, *alike))))[:SUGGESTED]


def _is_one(words: Sequence[str], known: set[str]) -> bool:
    joined = _folded(_bare(" ".join(words)))
    return joined in known and not all(_folded(_bare(word)) in known for word in words)


def _bare(text: str) -> str:
    prefix = "connector:"
    return text[len(prefix) :] if text.lower().startswith(prefix) else text


def _candidates(inventory: Inventory) -> Iterator[str]:
    yield from (c.Name for c in inventory.connectors)
    for connector in inventory.connectors:
        yield from connector.SmartHosts
        yield from (domain.removeprefix("*.") for domain in connector.RecipientDomains if domain != "*")
    yield from (d.DomainName for d in inventory.accepted_domains)


def quoted(name: str) -> str:
    """A foreign name in a sentence."""
    return '"' + "".join(letter if letter.isprintable() else "?" for letter in name[:_WIDE]) + '"'


def _folded(name: str) -> str:
    """A connector's name as it is compared: who types it has neither its dashes nor its kinds of blanks.

    Of a mail address in it the domain alone counts.
    """
    return " ".join(without_mailboxes(as_typed(name)).casefold().split())
