"""What the words of an SMTP reply hint at, whoever heard them: a probe, or Microsoft 365. Pure."""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Literal

from diagnostics.findings import Clue

About = Literal["address", "name"]
"""What a refusal of this machine is about: its address (listing, reputation, reverse DNS), or the name that it gave in EHLO."""

_REPUTATION = re.compile(
    r"reputation|blacklist|blocklist|block list|senderscore|spamhaus|barracuda|dnsbl|IB1\d\d|not allowed|access denied|banned",
    re.I,
)
_TOO_MANY = re.compile(r"too many|connection (?:limit|rate)|concurrent|rate limit", re.I)
_GREYLISTING = re.compile(r"\bgr[ea]y-?list", re.I)
_COME_AGAIN = re.compile(r"\b(?:try|retry|come|connect)\b[^.;]{0,40}\b(?:again|later|back|in \d+)|\bretry (?:in|after)\b", re.I)

_LISTING = re.compile(
    r"\b(?:black|block|deny)[- ]?list(?:ed|s|ing)?\b|\b(?:dns-?bl|rbl|dnsrbl)\b|spamhaus|spamcop|barracudacentral|\bsorbs\b"
    r"|uceprotect|senderscore|senderbase|abuseat|\bblocked (?:using|by|for|due)\b|\blisted (?:in|on|at|by)\b"
    r"|\breputation\b|\bpoor score\b|\bbanned sending\b",
    re.I,
)
_REVERSE_DNS = re.compile(
    r"\breverse[- ](?:dns|host ?name|look-?up|mapping|name|record)|\brdns\b|\bptr\b|\b(?:cannot|can't|could not) find your\b"
    r"|\b(?:dynamic|residential|dial-?up|generic)\b[^.;]{0,40}\b(?:ip|address(?:es)?|hosts?|pool|range|network)\b",
    re.I,
)
_HELO = re.compile(r"\b(?:helo|ehlo)\b|\bfully[- ]qualified\b|\bfqdn\b|\binvalid (?:domain|host ?name)\b", re.I)
_YOURS = re.compile(
    r"\b(?:your|client|sending|connecting|remote) (?:ip|host(?: ?name)?|address|network|country|region|provider|isp|server)\b",
    re.I,
)
_ADDRESS = re.compile(r"(?<![\w./:-])(?:(?:IPv6:)?[0-9a-f]*:[0-9a-f:.]*[0-9a-f]|\d{1,3}(?:\.\d{1,3}){3})(?![\w/:-])", re.I)
_ENHANCED = re.compile(r"(?:^|/ )[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b")
_OF_THE_COMMAND = frozenset({500, 502, 503})
"""Codes that say that a command is not known, or not now: they quote it, and so the name in it."""


def clues(reply: str) -> tuple[Clue, ...]:
    """Why a server refuses, as far as its words say."""
    found = (
        (Clue.TOO_MANY_CONNECTIONS, _TOO_MANY),
        (Clue.REPUTATION, _REPUTATION),
        (Clue.GREYLISTING, _GREYLISTING),
        (Clue.COME_AGAIN, _COME_AGAIN),
    )
    passing = reply[:1] == "4"
    tags = (clue for clue, words in found if words.search(reply))
    return tuple(tag for tag in tags if passing or tag not in (Clue.GREYLISTING, Clue.COME_AGAIN))


def refuses_client(reply: str, own: Collection[str], peer: str, name: str) -> About | None:
    """What a refusal says about this machine, which gave `name` in EHLO; None where it may hold for every client.

    `own`: this machine's addresses; `peer`: the server's. Contract 4, vantage-refused: the one place where a peer's words decide.
    """
    enhanced = _ENHANCED.search(reply)
    if enhanced and enhanced[1].split(".")[1] not in ("5", "7"):
        return None
    code = int(reply[:3]) if reply[:3].isdigit() else 0
    found = set(clues(reply))
    if found & {Clue.GREYLISTING, Clue.TOO_MANY_CONNECTIONS} or code in _OF_THE_COMMAND:
        return None
    if _LISTING.search(reply) or _REVERSE_DNS.search(reply):
        return "address"
    if _HELO.search(reply):
        return "name"
    if Clue.COME_AGAIN in found or (code == 421 and not enhanced):
        return None
    if name and _names(reply, name):
        return "name"
    return "address" if _YOURS.search(reply) or _shows_client(reply, own, peer) else None


def _names(reply: str, name: str) -> bool:
    """Whether the reply holds the name: in brackets or quotes, since a name without a dot may be a word of the sentence."""
    quoted = re.escape(name)
    free = rf"(?<![\w.-]){quoted}(?![\w-]|\.\w)" if "." in name else rf"[<\[(\"']{quoted}[>\])\"']"
    return re.search(free, reply, re.I) is not None


def _shows_client(reply: str, own: Collection[str], peer: str) -> bool:
    """Whether it holds an address that is not the server's: behind NAT the server sees another than this machine has."""
    for found in _ADDRESS.findall(reply):
        try:
            address = str(ip_address(found.removeprefix("IPv6:").removeprefix("ipv6:")))
        except ValueError:
            continue
        if address in own or address != peer:
            return True
    return False
