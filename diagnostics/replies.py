"""What the words of an SMTP reply hint at, whoever heard them: a probe, or Microsoft 365. Pure."""

import re

from diagnostics.findings import Clue

_REPUTATION = re.compile(
    r"reputation|blacklist|blocklist|block list|senderscore|spamhaus|barracuda|dnsbl|IB1\d\d|not allowed|access denied|banned",
    re.I,
)
_TOO_MANY = re.compile(r"too many|connection (?:limit|rate)|concurrent|rate limit", re.I)


def clues(reply: str) -> tuple[Clue, ...]:
    """Why a server refuses, as far as its words say."""
    found = ((Clue.TOO_MANY_CONNECTIONS, _TOO_MANY), (Clue.REPUTATION, _REPUTATION))
    return tuple(clue for clue, words in found if words.search(reply))
