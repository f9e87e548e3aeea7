"""One look: one connection to one address, one absolute deadline.

tcp → banner → ehlo → starttls → tls → ehlo again → QUIT. A failed step is a finding, never an exception.
"""

import asyncio
from dataclasses import dataclass, field

from diagnostics.fair import Party
from diagnostics.findings import Finding, Reason, Trace, Warn
from diagnostics.model import StepName, StepStatus, Tried
from diagnostics.net.names import Address
from diagnostics.probes import smtp, tcp, tls
from diagnostics.probes.conversation import Conversation
from diagnostics.probes.instruments import Instruments
from diagnostics.probes.seen import Look
from diagnostics.probes.smtp import Spoken
from diagnostics.probes.tls import Handshake

QUIT_SECONDS = 2.0


@dataclass(slots=True)
class _Walk:
    """A look as it grows."""

    sni: str | None
    party: Party
    deadline: float
    steps: dict[StepName, Tried] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    after: list[Finding] = field(default_factory=list)
    shaken: Handshake | None = None

    def left(self, most: float | None = None) -> float:
        left = max(0.001, self.deadline - asyncio.get_running_loop().time())
        return left if most is None else min(left, most)

    def step(self, step: StepName, seconds: float | None, note: Finding | None, findings: tuple[Finding, ...] = ()) -> bool:
        """Write one step down; True when the look goes on. `note`: what the step showed."""
        self.steps[step] = tried(step, seconds, note, findings)
        (self.after if self.shaken else self.findings).extend(findings)
        return self.steps[step].status != "failed"


def tried(step: StepName, seconds: float | None, note: Finding | None, findings: tuple[Finding, ...]) -> Tried:
    """A step by what it found."""
    failed = any(isinstance(f.tag, Reason) for f in findings)
    warned = any(isinstance(f.tag, Warn) for f in findings)
    status: StepStatus = "failed" if failed else "warning" if warned else "ok"
    return Tried(step=step, status=status, seconds=None if seconds is None else round(seconds, 4), note=note)


async def look(address: Address, sni: str | None, tools: Instruments, party: Party, seconds: float, *, old: bool = False) -> Look:
    """What the address shows within `seconds`, for `party`. `old`: only whether a handshake of TLS 1.0 to 1.2 comes about."""
    started = asyncio.get_running_loop().time()
    walk = _Walk(sni, party, started + seconds)
    transcript: list[str | Finding] = []
    done = await tcp.connect(address, tools.limits.smtp_port, walk.left(tools.limits.timeout))
    connected = Finding(Trace.CONNECTED, {"port": str(tools.limits.smtp_port)})
    walk.step("tcp", done.seconds, done.finding or connected, (done.finding,) if done.finding else ())
    if done.socket is not None:
        _, talk = await asyncio.get_running_loop().create_connection(Conversation, sock=done.socket)
        try:
            await _talk(walk, talk, tools, old=old)
        finally:
            transcript += talk.transcript
            walk.after += talk.irregular
            talk.abort()
    ended = asyncio.get_running_loop().time()
    found = tuple(walk.findings), tuple(walk.after), tuple(transcript)
    return Look(sni, walk.steps, *found, walk.shaken, ended - started, ended)


async def _talk(walk: _Walk, talk: Conversation, tools: Instruments, *, old: bool) -> None:
    """Banner to handshake. Ends at the first step that fails, politely where the server still listens."""
    limits = tools.limits
    if not _heard(walk, await smtp.banner(talk, walk.left(), limits.ehlo_name), limits.timeout):
        return await _quit(walk, talk)
    greeting = await smtp.ehlo(talk, limits.ehlo_name, walk.left())
    if not _heard(walk, greeting, limits.timeout):
        return await _quit(walk, talk)
    if not smtp.offers_starttls(greeting):
        offered = ", ".join(greeting.extensions)[:200]
        missing = Finding(
            Reason.STARTTLS_MISSING, {"how": "other-extensions" if offered else "no-extensions", "offered": offered}
        )
        walk.step("starttls", None, missing, (missing,))
        return await _quit(walk, talk)
    if not _heard(walk, await smtp.starttls(talk, walk.left()), limits.timeout):
        return await _quit(walk, talk)
    shaken = await tls.handshake(talk, walk.sni, walk.left(limits.timeout), tools.pool, walk.party, old=old)
    talk.transcript.append(shaken.note)
    _shaken(walk, shaken)
    if not shaken.findings and not old:
        await _inside(walk, talk, shaken, tools)
    return None


def _shaken(walk: _Walk, shaken: Handshake) -> None:
    if tls.refuses_for_want_of_certificate(shaken):
        # what the server's own certificate shows comes before it (contract 4)
        wanted = Finding(Reason.VANTAGE_CLIENT_CERTIFICATE, shaken.note.facts)
        walk.shaken = shaken
        walk.step("tls", shaken.seconds, wanted, (wanted,))
        return
    legacy = (Finding(Warn.TLS_LEGACY_RENEGOTIATION, shaken.note.facts),) if shaken.legacy else ()
    walk.step("tls", shaken.seconds, shaken.note, shaken.findings + legacy)
    walk.shaken = shaken


async def _inside(walk: _Walk, talk: Conversation, shaken: Handshake, tools: Instruments) -> None:
    """EHLO inside TLS: TLS 1.3 lets a server refuse a client without a certificate only after the client's handshake."""
    spoken = await smtp.ehlo(talk, tools.limits.ehlo_name, walk.left())
    said = spoken.said
    if said.outcome != "reply":
        facts = {**said.facts, "how": "then-alert" if said.facts["how"] == "alert" else f"then-{said.outcome}"}
        reason = Reason.VANTAGE_CLIENT_CERTIFICATE if shaken.asked and said.outcome == "closed" else Reason.TLS_HANDSHAKE
        broken = Finding(reason, facts)
        walk.step("tls", shaken.seconds, broken, (broken,))
        return
    if shaken.asked:
        walk.after.append(Finding(Warn.CLIENT_CERTIFICATE_ASKED))
    if spoken.failed:
        walk.step("ehlo", said.seconds, Finding(Trace.REPLIED_INSIDE_TLS, {"text": said.text}), spoken.findings)
    await _quit(walk, talk)


def _heard(walk: _Walk, spoken: Spoken, slow_after: float) -> bool:
    findings = spoken.findings
    if spoken.said.outcome == "reply" and spoken.said.seconds > slow_after:
        findings += (Finding(Warn.SLOW, {"step": spoken.step, "seconds": f"{spoken.said.seconds:.0f}"}),)
    said = spoken.said
    note = Finding(Trace.REPLIED, {"text": said.text}) if said.text else Finding(Trace.BROKE_OFF, said.facts)
    return walk.step(spoken.step, said.seconds, note, findings)


async def _quit(walk: _Walk, talk: Conversation) -> None:
    if talk.is_connected:
        await talk.say("QUIT", timeout=walk.left(QUIT_SECONDS))
