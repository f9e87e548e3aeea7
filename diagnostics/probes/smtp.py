"""The steps `banner`, `ehlo` and `starttls`: as far as a sender goes before TLS. Never MAIL, RCPT, DATA or AUTH."""

import re
from dataclasses import dataclass

from diagnostics.findings import Clue, Finding, Reason
from diagnostics.model import StepName
from diagnostics.probes.conversation import Conversation, Said
from diagnostics.replies import clues

_STARS = re.compile(r"\*{6,}|(?:\*{2,}0*)+|[*2 0]{12,}")
_MASKED = re.compile(r"X{4,}[A-Z]?")


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


async def banner(talk: Conversation, timeout: float) -> Spoken:
    """Wait for the greeting (RFC 5321 section 3.1)."""
    said = await talk.hear(timeout)
    if said.outcome != "reply":
        return Spoken("banner", said, _broken("", said))
    findings = _inspected(said.text[4:]) if _STARS.search(said.text[4:]) else ()
    if said.code == 220:
        return Spoken("banner", said, findings)
    return Spoken("banner", said, findings + _refused("", said, Reason.SMTP_REJECTED))


async def ehlo(talk: Conversation, name: str, timeout: float) -> Spoken:
    """EHLO, and HELO where EHLO is refused (RFC 5321 section 3.2). HELO means: no extensions, so no STARTTLS."""
    word = "EHLO"
    said = await talk.say(word, name, timeout=timeout)
    if said.outcome == "reply" and said.code >= 400 and said.code != 421:
        word = "HELO"
        said = await talk.say(word, name, timeout=timeout)
        if said.outcome == "reply" and said.code == 250:
            return Spoken("ehlo", said)
    if said.outcome != "reply":
        return Spoken("ehlo", said, _broken(word, said))
    if said.code != 250:
        return Spoken("ehlo", said, _refused(word, said, Reason.SMTP_REJECTED))
    extensions = tuple(line[4:].strip() for line in said.lines[1:])
    masked = [e for e in extensions if _MASKED.fullmatch(e)]
    return Spoken("ehlo", said, _inspected(masked[0]) if masked else (), extensions)


async def starttls(talk: Conversation, timeout: float) -> Spoken:
    """STARTTLS up to its reply (RFC 3207 section 4)."""
    said = await talk.say("STARTTLS", timeout=timeout)
    if said.outcome != "reply":
        return Spoken("starttls", said, _broken("STARTTLS", said))
    if said.code == 220:
        return Spoken("starttls", said)
    return Spoken("starttls", said, _refused("STARTTLS", said, Reason.STARTTLS_REJECTED))


def offers_starttls(spoken: Spoken) -> bool:
    return any(extension.upper().split()[:1] == ["STARTTLS"] for extension in spoken.extensions)


def _broken(command: str, said: Said) -> tuple[Finding, ...]:
    """No complete reply to `command` ("" for the greeting): who ended it, and how."""
    facts = {**said.facts, "command": command, "seconds": f"{said.seconds:.1f}", "text": said.text}
    if said.outcome == "closed":
        facts["how"] += "" if command else "-at-greeting"
        return (Finding(Reason.SMTP_CLOSED, facts), Finding(Clue.CLOSED_LATER if command else Clue.CLOSED_AT_ONCE, facts))
    if said.outcome == "timeout":
        facts["seconds"] = f"{said.seconds:.0f}"
        facts["how"] += ("" if command else "-at-greeting") + ("-half" if said.lines else "")
        return (Finding(Reason.SMTP_TIMEOUT, facts), Finding(Clue.SILENT_SERVER, facts))
    return (Finding(Reason.SMTP_PROTOCOL, facts), Finding(Clue.NOT_SMTP, facts))


def _refused(command: str, said: Said, otherwise: Reason) -> tuple[Finding, ...]:
    """A complete reply to `command` ("" for the greeting) that is a refusal."""
    facts = {"how": "command" if command else "greeting", "command": command, "text": said.text}
    if not 400 <= said.code < 600:
        return (Finding(Reason.SMTP_PROTOCOL, facts | {"how": "odd-code" if command else "odd-code-at-greeting"}),)
    reason = Reason.SMTP_UNAVAILABLE if said.code == 421 else otherwise
    return (Finding(reason, facts), *(Finding(clue, facts) for clue in clues(said.text)))


def _inspected(proof: str) -> tuple[Finding, ...]:
    return (Finding(Clue.INSPECTION, {"text": proof[:60]}),)
