"""One path: one host at one address, under a connector's TLS policy, out of one look at the address or a few.

A fault that one connection shows may be one node's of several. So before a missing STARTTLS, a failed handshake or a fault of
the certificate is final, the address is looked at once more (contract 4); what is in no doubt costs one connection.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from functools import partial

from diagnostics.fair import Party
from diagnostics.findings import CERTIFICATE, Clue, Finding, Reason, Trace, Warn
from diagnostics.model import STEPS, Evidence, StepName, Tried
from diagnostics.net import names
from diagnostics.net.guard import is_public
from diagnostics.net.names import Address
from diagnostics.probes import certificate, tls
from diagnostics.probes.certificate import Judgement
from diagnostics.probes.dns import Endpoint
from diagnostics.probes.instruments import Instruments
from diagnostics.probes.look import look, tried
from diagnostics.probes.seen import VALIDATING, Look
from diagnostics.probes.trust import TrustFault
from diagnostics.target import Destination, Policy

log = logging.getLogger("mailflow.probe")

LEAST_SECONDS = 1.0
"""A further look is not begun with less time than this left."""

_Question = tuple[Address, int | str] | tuple[Address, int | str, str | None]
"""Which look at an address, and the SNI of one that is not for all its names."""

_SKIPPED = {name: Tried(step=name, status="skipped") for name in STEPS}


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a path is probed: whose turn it is, since when (loop time), and whether what was seen before that counts."""

    name: str
    since: float
    fresh: bool = False


@dataclass(slots=True)
class _Path:
    """The evidence of a path as it grows. `age`: of the oldest look in it."""

    endpoint: Endpoint
    policy: Policy
    tools: Instruments
    asked: Asked
    spent: float = 0.0
    age: float = 0.0
    steps: dict[StepName, Tried] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    transcript: list[str | Finding] = field(default_factory=list)
    certificate: Judgement = (None, ())

    @property
    def sni(self) -> str | None:
        """The host name; none for literals (RFC 6066 section 3)."""
        return None if names.is_literal(self.endpoint.host) else self.endpoint.host

    @property
    def wanted(self) -> str | None:
        """The name that the connector wants on the certificate."""
        return (self.policy.domain or self.endpoint.host) if self.policy.tls == "DomainValidation" else None

    @property
    def needs_tls(self) -> bool:
        return self.policy.tls is not None or not self.policy.known

    def evidence(self, destination: Destination) -> Evidence:
        address = self.endpoint.address
        return Evidence(
            host=self.endpoint.host,
            address=str(address) if address else None,
            preference=self.endpoint.preference,
            steps=tuple((_SKIPPED | self.steps).values()),
            findings=tuple(self.findings),
            transcript=tuple(self.transcript),
            certificate=self.certificate[0],
            listed=destination.listed,
            destination=destination.name,
        )


async def probe(
    endpoint: Endpoint, destination: Destination, policy: Policy, tools: Instruments, asked: Asked
) -> tuple[Evidence, float]:
    """Everything that this endpoint shows, and its age in seconds. Never raises, except when cancelled."""
    path = _Path(endpoint, policy, tools, asked, spent=endpoint.seconds)
    try:
        address = endpoint.address
        if _resolved(path) and address is not None and _allowed(path, address, destination):
            await _look(path, address)
    except Exception as error:
        # our own fault must never be told as the customer's
        log.exception("probe of a path failed")
        path.findings.append(Finding(Reason.VANTAGE_FAULT, {"how": "internal", "error": type(error).__name__}))
    return path.evidence(destination), path.age


def _resolved(path: _Path) -> bool:
    endpoint = path.endpoint
    path.steps["dns"] = tried("dns", endpoint.seconds, endpoint.note, endpoint.findings)
    path.findings += endpoint.findings
    return path.steps["dns"].status != "failed"


def _allowed(path: _Path, address: Address, destination: Destination) -> bool:
    """The very address that was judged is the one connected to (no second look-up: DNS rebinding)."""
    tools = path.tools
    refusal = tools.guard.refuses(address, tools.limits.smtp_port)
    # names that no connector lists must not tell what an inside DNS says of them (classify.py leaves the address out)
    facts = {"host": path.endpoint.host, "address": str(address)}
    if destination.address is None and not is_public(address):
        path.findings.append(Finding(Warn.SPLIT_HORIZON, facts))
    if refusal is None:
        if not is_public(address):
            path.findings.append(Finding(Warn.PROBED_FROM_INSIDE, facts))
        return True
    path.findings.append(Finding(Reason.ADDRESS_NOT_PUBLIC, facts | {"how": refusal}))
    return False


async def _look(path: _Path, address: Address) -> None:
    first = await _seen(path, address, 1)
    if first is None:
        return
    started = asyncio.get_running_loop().time()
    path.certificate = await _judged(path, first)
    _write_down(path, first, asyncio.get_running_loop().time() - started)
    doubt = _doubt(path, first)
    if doubt is None:
        return
    again = await _seen(path, address, 2, after=first.ended, why=doubt)
    if again is not None and again.reaches(doubt):
        others = (await _judged(path, again))[1]
        if again.is_clear(others, needs_tls=path.needs_tls, validates=path.policy.tls in VALIDATING):
            path.findings.append(Finding(Clue.ONE_NODE_OF_SEVERAL, {"how": doubt, "sha256": _print(again)}))
            return
        if doubt == "certificate" and again.leaf == first.leaf:
            await _ask_without_sni(path, address, first)
    if _fails(first) and (again is None or again.shaken is None or _fails(again)):
        await _ask_for_old_tls(path, address)


def _fails(seen: Look) -> bool:
    """Whether the handshake itself failed, not what came after it."""
    return seen.shaken is not None and any(f.tag is Reason.TLS_HANDSHAKE for f in seen.shaken.findings)


def _write_down(path: _Path, seen: Look, seconds: float) -> None:
    """The first look is what the path shows; a certificate's fault comes before what the server did afterwards."""
    path.steps |= seen.steps
    path.findings += seen.findings
    if seen.chain:
        facts, findings = path.certificate
        note = findings[0] if findings else None
        if note is None and facts:
            note = Finding(Trace.CERTIFICATE_SEEN, {"subject": facts.subject, "date": f"{facts.not_after:%Y-%m-%d}"})
        path.steps["certificate"] = tried("certificate", seconds, note, findings)
        path.findings += findings
        if path.policy.tls in VALIDATING:
            named = facts.revocation_list if facts else ""
            path.findings.append(Finding(Warn.REVOCATION_NOT_CHECKED, {"how": "named" if named else "none", "address": named}))
            if facts and certificate.hides_an_rsa_one(facts):
                path.findings.append(Finding(Warn.RSA_CERTIFICATE_NOT_CHECKED, {"key": facts.key}))
    path.findings += seen.after


def _doubt(path: _Path, seen: Look) -> StepName | None:
    """The step whose fault may be one node's of several, where a fault of it counts under this policy."""
    if seen.shows(Reason.TLS_HANDSHAKE):
        return "tls"
    if seen.shows(Reason.STARTTLS_MISSING):
        return "starttls" if path.needs_tls else None
    faulty = any(f.tag in CERTIFICATE for f in path.certificate[1])
    return "certificate" if faulty and path.policy.tls in VALIDATING else None


async def _seen(path: _Path, address: Address, number: int, *, after: float = 0.0, why: StepName | None = None) -> Look | None:
    """The first or second look at the address; what ended before the handshake is shared by all its names."""
    seen = await _take(path, (address, number), path.sni, after, why)
    if seen is not None and seen[0].sni != path.sni and seen[0].shaken is not None:
        seen = await _take(path, (address, number, path.sni), path.sni, after, why)
    return _noted(path, seen, why)


async def _take(
    path: _Path, question: _Question, sni: str | None, after: float, why: StepName | None, *, old: bool = False
) -> tuple[Look, float] | None:
    """One look and its age, asked once a run by all who ask the same; None where the path has no time left for it."""
    tools, asked, address = path.tools, path.asked, question[0]
    left = tools.limits.deadline - path.spent
    if why is not None and left < LEAST_SECONDS:
        return None

    async def dial(party: Party) -> Look:
        async with tools.dialling.turn(party, address):
            return await look(address, sni, tools, party, left, old=old)

    return await tools.looks.take(question, dial, asked.name, fresh=asked.fresh, since=asked.since, after=after)


def _noted(path: _Path, taken: tuple[Look, float] | None, why: StepName | None) -> Look | None:
    """What was looked at belongs to the path: its time, its age and what was said."""
    if taken is None:
        return None
    seen, age = taken
    path.spent += seen.seconds
    path.age = max(path.age, age)
    if why is not None:
        path.transcript.append(Finding(Trace.LOOKED_AGAIN, {"how": why}))
    path.transcript += seen.transcript
    return seen


async def _judged(path: _Path, seen: Look) -> Judgement:
    """What the chain shows under this policy; the same chain is judged once for all who want the same name."""
    if not seen.chain:
        return None, ()
    tools, wanted = path.tools, path.wanted

    async def judge(party: Party) -> Judgement:
        try:
            found, _ = await tools.pool.run(partial(certificate.judge, seen.chain, tools.trust, wanted, tools.now()), party)
        except TrustFault as fault:
            return None, (Finding(Reason.VANTAGE_FAULT, {"how": fault.how, "file": fault.file}),)
        return found

    question = hashlib.sha256(b"".join(seen.chain)).digest(), wanted
    found, _ = await tools.judgements.take(question, judge, path.asked.name, fresh=path.asked.fresh)
    return found


async def _ask_for_old_tls(path: _Path, address: Address) -> None:
    """Tells "too old" and "other suites" from "broken": one more look that offers more, once an address."""
    seen = _noted(path, await _take(path, (address, "old"), path.sni, 0.0, "tls", old=True), "tls")
    shaken = seen.shaken if seen else None
    if shaken is None or shaken.findings:
        return
    if shaken.version in tls.CURRENT:
        if not tls.is_offered(shaken.suite):
            path.findings.append(Finding(Clue.NO_COMMON_SUITE, shaken.note.facts))
        return
    old = Finding(Reason.TLS_VERSION, shaken.note.facts)
    path.findings[:] = [f for f in path.findings if f.tag is not Reason.TLS_HANDSHAKE]
    path.steps["tls"] = tried("tls", shaken.seconds, old, (old,))
    path.findings.append(old)


async def _ask_without_sni(path: _Path, address: Address, first: Look) -> None:
    """Whether the wrong certificate is a matter of SNI: two looks with it agreed, so do two without, and the two differ."""
    if path.sni is None or not any(f.tag is Reason.CERTIFICATE_NAME_MISMATCH for f in path.certificate[1]):
        return
    bare = _noted(path, await _take(path, (address, 1, None), None, 0.0, "certificate"), "certificate")
    if bare is None or not bare.leaf or bare.leaf == first.leaf:
        return
    again = _noted(path, await _take(path, (address, 2, None), None, bare.ended, "certificate"), "certificate")
    if again is not None and again.leaf == bare.leaf:
        path.findings.append(Finding(Clue.CERTIFICATE_BY_SNI, {"sha256": _print(bare)}))


def _print(seen: Look) -> str:
    return certificate.fingerprint(seen.leaf)[:16] if seen.leaf else ""
