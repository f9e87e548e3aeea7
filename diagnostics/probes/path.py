"""One path: one host at one address, all steps on one connection, one absolute deadline.

tcp → banner → ehlo → starttls → tls → certificate → QUIT. A failed step is a finding, never an exception.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial

from diagnostics import names
from diagnostics.fair import Party
from diagnostics.findings import Clue, Finding, Reason, Trace, Warn
from diagnostics.guard import is_public
from diagnostics.model import STEPS, Certificate, Evidence, StepName, StepStatus, Tried
from diagnostics.names import Address
from diagnostics.probes import certificate, smtp, tcp, tls
from diagnostics.probes.conversation import Conversation
from diagnostics.probes.dns import Endpoint
from diagnostics.probes.instruments import Instruments
from diagnostics.probes.smtp import Spoken
from diagnostics.probes.tls import Handshake
from diagnostics.probes.trust import TrustFault
from diagnostics.target import Destination, Policy

log = logging.getLogger("mailflow.probe")

QUIT_SECONDS = 2.0
_SKIPPED = {name: Tried(step=name, status="skipped") for name in STEPS}


@dataclass(slots=True)
class _Walk:
    """The evidence of a path as it grows."""

    endpoint: Endpoint
    party: Party
    deadline: float = 0.0
    steps: dict[StepName, Tried] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    transcript: list[str | Finding] = field(default_factory=list)
    certificate: Certificate | None = None
    handshake_failed: bool = False

    def left(self, most: float | None = None) -> float:
        left = max(0.001, self.deadline - asyncio.get_running_loop().time())
        return left if most is None else min(left, most)

    def step(self, step: StepName, seconds: float | None, note: Finding | None, findings: tuple[Finding, ...] = ()) -> bool:
        """Write one step down; True when the path goes on. `note`: what the step showed."""
        failed = any(isinstance(f.tag, Reason) for f in findings)
        warned = any(isinstance(f.tag, Warn) for f in findings)
        status: StepStatus = "failed" if failed else "warning" if warned else "ok"
        self.steps[step] = Tried(step=step, status=status, seconds=None if seconds is None else round(seconds, 4), note=note)
        self.findings += findings
        return not failed

    def evidence(self, destination: Destination) -> Evidence:
        address = self.endpoint.address
        return Evidence(
            host=self.endpoint.host,
            address=str(address) if address else None,
            preference=self.endpoint.preference,
            steps=tuple((_SKIPPED | self.steps).values()),
            findings=tuple(self.findings),
            transcript=tuple(self.transcript),
            certificate=self.certificate,
            listed=destination.listed,
            destination=destination.name,
        )


async def probe(endpoint: Endpoint, destination: Destination, policy: Policy, tools: Instruments, party: Party) -> Evidence:
    """Everything that this endpoint shows, for `party`. Never raises, except when cancelled."""
    walk = _Walk(endpoint, party)
    try:
        address = endpoint.address
        if _resolved(walk) and address is not None and _allowed(walk, address, destination, tools):
            walk.deadline = asyncio.get_running_loop().time() + tools.limits.deadline - endpoint.seconds
            await _connect_and_talk(walk, address, policy, tools)
    except Exception as error:
        # our own fault must never be told as the customer's
        log.exception("probe of a path failed")
        walk.findings.append(Finding(Reason.VANTAGE_FAULT, {"how": "internal", "error": type(error).__name__}))
    return walk.evidence(destination)


def _resolved(walk: _Walk) -> bool:
    endpoint = walk.endpoint
    return walk.step("dns", endpoint.seconds, endpoint.note, endpoint.findings)


def _allowed(walk: _Walk, address: Address, destination: Destination, tools: Instruments) -> bool:
    """The very address that was judged is the one connected to (no second look-up: DNS rebinding)."""
    refusal = tools.guard.refuses(address, tools.limits.smtp_port)
    # names that no connector lists must not tell what an inside DNS says of them (classify.py leaves the address out)
    facts = {"host": walk.endpoint.host, "address": str(address)}
    if destination.address is None and not is_public(address):
        walk.findings.append(Finding(Warn.SPLIT_HORIZON, facts))
    if refusal is None:
        if not is_public(address):
            walk.findings.append(Finding(Warn.PROBED_FROM_INSIDE, facts))
        return True
    walk.findings.append(Finding(Reason.ADDRESS_NOT_PUBLIC, facts | {"how": refusal}))
    return False


async def _connect_and_talk(walk: _Walk, address: Address, policy: Policy, tools: Instruments) -> None:
    talk = await _open(walk, address, tools)
    if talk is None:
        return
    try:
        await _talk(walk, talk, policy, tools)
    finally:
        walk.transcript += talk.transcript
        walk.findings += talk.irregular
        talk.abort()
    if walk.handshake_failed:
        await _ask_for_old_tls(walk, address, tools)
    elif any(f.tag is Reason.CERTIFICATE_NAME_MISMATCH for f in walk.findings) and _sni(walk.endpoint):
        await _ask_without_sni(walk, address, tools)


async def _open(walk: _Walk, address: Address, tools: Instruments, *, record: bool = True) -> Conversation | None:
    done = await tcp.connect(address, tools.limits.smtp_port, walk.left(tools.limits.timeout))
    if record:
        connected = Finding(Trace.CONNECTED, {"port": str(tools.limits.smtp_port)})
        walk.step("tcp", done.seconds, done.finding or connected, (done.finding,) if done.finding else ())
    if done.socket is None:
        return None
    _, talk = await asyncio.get_running_loop().create_connection(Conversation, sock=done.socket)
    return talk


async def _talk(walk: _Walk, talk: Conversation, policy: Policy, tools: Instruments) -> None:
    """Banner to certificate. Ends at the first step that fails, politely where the server still listens."""
    limits = tools.limits
    if not _heard(walk, await smtp.banner(talk, walk.left()), limits.timeout):
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
    shaken = await tls.handshake(talk, _sni(walk.endpoint), walk.left(limits.timeout), tools.pool, walk.party)
    talk.transcript.append(shaken.note)
    if not walk.step("tls", shaken.seconds, shaken.note, shaken.findings):
        walk.handshake_failed = True
        return None
    await _judge_certificate(walk, shaken.chain, policy, tools)
    after = await smtp.ehlo(talk, limits.ehlo_name, walk.left())
    if after.said.outcome != "reply":
        # TLS 1.3 lets a server refuse us (for want of a client certificate, say) only after our side of the handshake
        broken = Finding(Reason.TLS_HANDSHAKE, {**after.said.facts, "how": f"then-{after.said.outcome}"})
        walk.step("tls", shaken.seconds, broken, (broken,))
        return None
    if after.failed:
        walk.step("ehlo", after.said.seconds, Finding(Trace.REPLIED_INSIDE_TLS, {"text": after.said.text}), after.findings)
    return await _quit(walk, talk)


def _heard(walk: _Walk, spoken: Spoken, slow_after: float) -> bool:
    findings = spoken.findings
    if spoken.said.outcome == "reply" and spoken.said.seconds > slow_after:
        findings += (Finding(Warn.SLOW, {"step": spoken.step, "seconds": f"{spoken.said.seconds:.0f}"}),)
    said = spoken.said
    note = Finding(Trace.REPLIED, {"text": said.text}) if said.text else Finding(Trace.BROKE_OFF, said.facts)
    return walk.step(spoken.step, said.seconds, note, findings)


async def _judge_certificate(walk: _Walk, chain: tuple[bytes, ...], policy: Policy, tools: Instruments) -> None:
    wanted = (policy.domain or walk.endpoint.host) if policy.tls == "DomainValidation" else None
    started = asyncio.get_running_loop().time()
    try:
        judge = partial(certificate.judge, chain, tools.trust, wanted, tools.now())
        (walk.certificate, findings), _ = await tools.pool.run(judge, walk.party)
    except TrustFault as fault:
        findings = (Finding(Reason.VANTAGE_FAULT, {"how": fault.how, "file": fault.file}),)
    seconds = asyncio.get_running_loop().time() - started
    seen, note = walk.certificate, findings[0] if findings else None
    if note is None and seen:
        note = Finding(Trace.CERTIFICATE_SEEN, {"subject": seen.subject, "date": f"{seen.not_after:%Y-%m-%d}"})
    walk.step("certificate", seconds, note, findings)
    if policy.tls in ("CertificateValidation", "DomainValidation"):
        named = seen.revocation_list if seen else ""
        walk.findings.append(Finding(Warn.REVOCATION_NOT_CHECKED, {"how": "named" if named else "none", "address": named}))
        if seen and certificate.hides_an_rsa_one(seen):
            walk.findings.append(Finding(Warn.RSA_CERTIFICATE_NOT_CHECKED, {"key": seen.key}))


async def _quit(walk: _Walk, talk: Conversation) -> None:
    if talk.is_connected:
        await talk.say("QUIT", timeout=walk.left(QUIT_SECONDS))


async def _ask_for_old_tls(walk: _Walk, address: Address, tools: Instruments) -> None:
    """Tells "too old" and "other suites" from "broken": a second connection that offers more, only after a failed handshake."""

    async def look(_: Party) -> Handshake | None:
        return await _second_handshake(walk, address, tools, _sni(walk.endpoint), old=True)

    shaken, _ = await tools.old_tls.take(address, look, walk.party.names[0], fresh=True)
    if shaken is None or shaken.findings:
        return
    if shaken.version in tls.CURRENT:
        if not tls.is_offered(shaken.suite):
            walk.findings.append(Finding(Clue.NO_COMMON_SUITE, shaken.note.facts))
        return
    old = Finding(Reason.TLS_VERSION, shaken.note.facts)
    walk.findings[:] = [f for f in walk.findings if f.tag is not Reason.TLS_HANDSHAKE]
    walk.step("tls", shaken.seconds, old, (old,))


async def _ask_without_sni(walk: _Walk, address: Address, tools: Instruments) -> None:
    """Whether the wrong certificate is a matter of SNI: whether Exchange Online sends it is nowhere documented."""
    shaken = await _second_handshake(walk, address, tools, None)
    if shaken is None or not shaken.chain or walk.certificate is None:
        return
    other = certificate.fingerprint(shaken.chain[0])
    if other != walk.certificate.sha256:
        walk.findings.append(Finding(Clue.CERTIFICATE_BY_SNI, {"sha256": other[:16]}))


async def _second_handshake(
    walk: _Walk, address: Address, tools: Instruments, sni: str | None, *, old: bool = False
) -> Handshake | None:
    """One more connection up to the handshake, after the first is closed; None when it does not get there."""
    if walk.left() < 1:
        return None
    talk = await _open(walk, address, tools, record=False)
    if talk is None:
        return None
    try:
        if (await smtp.banner(talk, walk.left())).failed:
            return None
        if (await smtp.ehlo(talk, tools.limits.ehlo_name, walk.left())).failed or (await smtp.starttls(talk, walk.left())).failed:
            return None
        return await tls.handshake(talk, sni, walk.left(tools.limits.timeout), tools.pool, walk.party, old=old)
    finally:
        talk.abort()


def _sni(endpoint: Endpoint) -> str | None:
    """The host name; none for literals (RFC 6066 section 3)."""
    return None if names.is_literal(endpoint.host) else endpoint.host
