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
        return Spoken("banner", said, _broken("banner", said))
    findings = _inspected(said.text[4:]) if _STARS.search(said.text[4:]) else ()
    if said.code == 220:
        return Spoken("banner", said, findings)
    return Spoken("banner", said, findings + _refused("banner", said, Reason.SMTP_REJECTED))


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


def _broken(phase: str, said: Said) -> tuple[Finding, ...]:
    """No complete reply: who ended it, and how."""
    after = "after the connection was opened" if phase == "banner" else f"after {phase}"
    if said.outcome == "closed":
        clue = Clue.CLOSED_AT_ONCE if phase == "banner" else Clue.CLOSED_LATER
        line = f"{said.detail} {after}, {said.seconds:.1f} s later, without a reply"
        return (Finding(Reason.SMTP_CLOSED, line), Finding(clue, line))
    if said.outcome == "timeout":
        line = f"no complete reply {after} within {said.seconds:.0f} s" + (f"; so far: {said.text}" if said.lines else "")
        return (Finding(Reason.SMTP_TIMEOUT, line), Finding(Clue.SILENT_SERVER, line))
    return (Finding(Reason.SMTP_PROTOCOL, f"{after}: {said.detail}"), Finding(Clue.NOT_SMTP, said.detail))


def _refused(phase: str, said: Said, otherwise: Reason) -> tuple[Finding, ...]:
    """A complete reply that is a refusal."""
    line = f"reply to {phase if phase != 'banner' else 'the connection'}: {said.text}"
    if not 400 <= said.code < 600:
        return (Finding(Reason.SMTP_PROTOCOL, f"{line} (no code that RFC 5321 allows there)"),)
    reason = Reason.SMTP_UNAVAILABLE if said.code == 421 else otherwise
    return (Finding(reason, line), *(Finding(clue, line) for clue in clues(said.text)))


def _inspected(proof: str) -> tuple[Finding, ...]:
    return (Finding(Clue.INSPECTION, f"a firewall rewrites the conversation: the server's words arrive as {proof[:60]!r}"),)
