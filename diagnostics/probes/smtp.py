"""The steps `banner`, `ehlo` and `starttls`: as far as a sender goes before TLS. Never MAIL, RCPT, DATA or AUTH."""

import re
from dataclasses import dataclass

from diagnostics.findings import Clue, Finding, Reason
from diagnostics.model import StepName
from diagnostics.probes.conversation import Conversation, Said
from diagnostics.replies import clues, refuses_client

_BLOTTED = frozenset("*0123456789 ")
"""All that is left of a greeting that a firewall's inspection rewrites; stars beside words are decoration."""

_MASKED = re.compile(r"X{4,}[A-Z]?|\*{4,}")
_PROXY = re.compile(
    r"(?<![\w.-])(?:fire-?wall(?:-1)?|(?:smtp|mail|esmtp)[ -]?proxy|proxy server|forti(?:gate|os)|sonicwall|watchguard|cyberoam"
    r"|gauntlet|astaro|generic smtp handler|cisco pix)(?![\w-]*\.\w)\b",
    re.I,
)
"""Proxies of firewalls by the names in their greetings; a host name that holds such a word is none."""

AT_ONCE = 2.0
"""Seconds: a server that closes sooner did not wait for anything."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One exchange of the conversation: the step, what was said, the findings, and whether the path ends here."""

    step: StepName
    said: Said
    findings: tuple[Finding, ...] = ()
    extensions: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return any(isinstance(f.tag, Reason) for f in self.findings)


async def banner(talk: Conversation, timeout: float, name: str = "") -> Spoken:
    """Wait for the greeting (RFC 5321 section 3.1). `name`: what this machine would call itself."""
    said = await talk.hear(timeout)
    if said.outcome != "reply":
        return Spoken("banner", said, _broken("", said))
    shown = "".join(line[4:] for line in said.lines)
    findings = _inspected(shown) if set(shown) <= _BLOTTED and shown.count("*") > 1 else _proxied(said.text[4:])
    if said.code == 220:
        return Spoken("banner", said, findings)
    return Spoken("banner", said, findings + _refused("", said, Reason.SMTP_REJECTED, talk, name))


async def ehlo(talk: Conversation, name: str, timeout: float) -> Spoken:
    """EHLO, and HELO where EHLO is refused (RFC 5321 section 3.2). HELO means: no extensions, so no STARTTLS."""
    said = await talk.say("EHLO", name, timeout=timeout)
    if said.outcome == "reply" and said.code >= 400 and said.code != 421:
        return await _helo(talk, name, timeout, said)
    if said.outcome != "reply":
        return Spoken("ehlo", said, _broken("EHLO", said))
    if said.code != 250:
        return Spoken("ehlo", said, _refused("EHLO", said, Reason.SMTP_REJECTED, talk, name))
    extensions = tuple(line[4:].strip() for line in said.lines[1:])
    masked = [e for e in extensions if _MASKED.fullmatch(e)]
    return Spoken("ehlo", said, _inspected(masked[0]) if masked else (), extensions)


async def _helo(talk: Conversation, name: str, timeout: float, refusal: Said) -> Spoken:
    """After `refusal` of EHLO, which counts where nothing better comes, or where it refuses this machine alone."""
    refused = _refused("EHLO", refusal, Reason.SMTP_REJECTED, talk, name)
    if any(f.tag is Reason.VANTAGE_REFUSED for f in refused):
        return Spoken("ehlo", refusal, refused)
    said = await talk.say("HELO", name, timeout=timeout)
    if said.outcome != "reply":
        return Spoken("ehlo", refusal, refused)
    if said.code == 250:
        return Spoken("ehlo", said)
    return Spoken("ehlo", said, _refused("HELO", said, Reason.SMTP_REJECTED, talk, name))


async def starttls(talk: Conversation, timeout: float) -> Spoken:
    """STARTTLS up to its reply (RFC 3207 section 4)."""
    said = await talk.say("STARTTLS", timeout=timeout)
    if said.outcome != "reply":
        return Spoken("starttls", said, _broken("STARTTLS", said))
    if said.code == 220:
        return Spoken("starttls", said)
    return Spoken("starttls", said, _refused("STARTTLS", said, Reason.STARTTLS_REJECTED, talk))


def offers_starttls(spoken: Spoken) -> bool:
    return any(extension.upper().split()[:1] == ["STARTTLS"] for extension in spoken.extensions)


def _broken(command: str, said: Said) -> tuple[Finding, ...]:
    """No complete reply to `command` ("" for the greeting): who ended it, and how."""
    facts = {**said.facts, "command": command, "seconds": f"{said.seconds:.1f}", "text": said.text}
    if said.outcome == "closed":
        facts["how"] += "" if command else "-at-greeting"
        at_once = Clue.CLOSED_AT_ONCE if said.seconds < AT_ONCE else Clue.CLOSED_AFTER_WAITING
        return (Finding(Reason.SMTP_CLOSED, facts), Finding(Clue.CLOSED_LATER if command else at_once, facts))
    if said.outcome == "timeout":
        facts["seconds"] = f"{said.seconds:.0f}"
        facts["how"] += ("" if command else "-at-greeting") + ("-half" if said.lines else "")
        spoke = (Finding(Clue.SILENT_LATER, facts),) if command or said.lines else ()
        return (Finding(Reason.SMTP_TIMEOUT, facts), Finding(Clue.SILENT_SERVER, facts), *spoke)
    tls = (Finding(Clue.SPEAKS_TLS, facts),) if said.facts.get("protocol") == "TLS" else ()
    return (Finding(Reason.SMTP_PROTOCOL, facts), Finding(Clue.NOT_SMTP, facts), *tls)


def _refused(command: str, said: Said, otherwise: Reason, talk: Conversation, name: str = "") -> tuple[Finding, ...]:
    """A complete reply to `command` ("" for the greeting) that is a refusal, of everybody or of this machine alone."""
    facts = {"how": "command" if command else "greeting", "command": command, "text": said.text}
    if not 400 <= said.code < 600:
        return (Finding(Reason.SMTP_PROTOCOL, facts | {"how": "odd-code" if command else "odd-code-at-greeting"}),)
    if otherwise is Reason.SMTP_REJECTED:
        about = refuses_client(said.text, (talk.own_address,), talk.peer_address, name)
        if about:
            clue = Clue.CLIENT_NAME_REFUSED if about == "name" else Clue.CLIENT_ADDRESS_REFUSED
            return (Finding(Reason.VANTAGE_REFUSED, facts), Finding(clue, facts))
    reason = Reason.SMTP_UNAVAILABLE if said.code == 421 else otherwise
    return (Finding(reason, facts), *(Finding(clue, facts) for clue in clues(said.text)))


def _proxied(text: str) -> tuple[Finding, ...]:
    return (Finding(Clue.PROXY_NAMED, {"text": text[:60]}),) if _PROXY.search(text) else ()


def _inspected(proof: str) -> tuple[Finding, ...]:
    return (Finding(Clue.INSPECTION, {"text": proof[:60]}),)
