"""A name that leads to no address: the reason of contract 4, and the clues that tell its causes apart."""

import asyncio
from dataclasses import replace

from diagnostics.findings import NO_FACTS, Clue, Facts, Finding, Reason
from diagnostics.probes.endpoint import Endpoint, Lookup
from diagnostics.probes.exchanges import parents
from diagnostics.probes.message import rcode_text
from diagnostics.probes.resolver import Answer, Status

_INSIDE = (".local", ".lan", ".internal", ".corp", ".intra", ".home.arpa", ".localdomain")

REASONS = {
    Status.NXDOMAIN: Reason.DNS_NXDOMAIN,
    Status.NO_DATA: Reason.DNS_NO_RECORDS,
    Status.FAILURE: Reason.DNS_SERVER_FAILURE,
    Status.BOGUS: Reason.DNS_DNSSEC_BOGUS,
    Status.TIMEOUT: Reason.DNS_TIMEOUT,
    Status.LOCAL: Reason.VANTAGE_FAULT,
}

_BY_RCODE = {rcode_text(2): Clue.DNS_SERVER_FAILED, rcode_text(5): Clue.RESOLVER_REFUSED}


def failed(name: str, preference: int | None, reason: Reason, answer: Answer, facts: Facts = NO_FACTS) -> Endpoint:
    """A host without an address to dial. `facts`: those of the answer, unless others say more."""
    facts = facts or answer.facts
    findings = [Finding(reason, facts)]
    if answer.status is Status.FAILURE and reason is Reason.DNS_SERVER_FAILURE:
        # by the code of the answer alone: text that came with it is a stranger's, and proves nothing
        clue = Clue.CNAME_LOOP if answer.loop else _BY_RCODE.get(answer.rcode, Clue.DNS_ANSWER_UNUSABLE)
        findings.append(Finding(clue, facts))
    if name.endswith(_INSIDE):
        findings.append(Finding(Clue.INTERNAL_NAME, {"name": name}))
    return Endpoint(name, None, preference, tuple(findings), findings[0], answer.seconds, answer.aliases)


async def nxdomain(name: str, reason: Reason, mx: Answer, lookup: Lookup) -> Endpoint:
    """The answer to MX says that the name does not exist, which ends it for a sender (RFC 5321 section 5.1).

    Some servers say so of every type that they do not have (RFC 4074 section 4.2), so the others are asked for.
    """
    endpoint = failed(name, None, reason, mx)
    v4, v6 = await asyncio.gather(lookup(name, "A"), lookup(name, "AAAA"))
    if has := [kind for kind, answer in (("A", v4), ("AAAA", v6)) if answer.status is Status.OK]:
        facts = {"how": "nxdomain-by-type", "name": name, "kind": "MX", "other": has[0]}
        return _with(endpoint, Finding(Clue.NXDOMAIN_BY_TYPE, facts))
    if (alias := mx.alias) and (clue := await final_dot(alias, name, lookup)):
        return _with(endpoint, clue)
    return endpoint


async def no_address(domain: str, name: str, preference: int | None, answers: tuple[Answer, Answer], lookup: Lookup) -> Endpoint:
    """Neither A nor AAAA (`answers`) of `name`: the `domain` itself (`preference` None: it has no MX) or one of its MX hosts."""
    v4, v6 = answers
    for answer in answers:
        if answer.status not in (Status.NXDOMAIN, Status.NO_DATA):
            return failed(name, preference, REASONS[answer.status], answer)
    if preference is None:
        if Status.NXDOMAIN in (v4.status, v6.status):
            return failed(name, None, Reason.DNS_NXDOMAIN, v4 if v4.status is Status.NXDOMAIN else v6)
        return failed(name, None, Reason.DNS_NO_RECORDS, v4, {"how": "bare", "name": name})
    if clue := await final_dot(v4.alias or name, domain, lookup):
        return _with(failed(name, preference, Reason.DNS_NO_RECORDS, v4, clue.facts), clue)
    facts = {"how": "mx-host-missing" if v4.status is v6.status is Status.NXDOMAIN else "mx-host-without-address", "name": name}
    return _with(failed(name, preference, Reason.DNS_NO_RECORDS, v4, facts), Finding(Clue.MX_WITHOUT_ADDRESS, facts))


async def final_dot(name: str, domain: str, lookup: Lookup) -> Finding | None:
    """Whether a record's target lacks its final dot, so that the zone's name was appended to it (RFC 1035 section 5.1).

    It does where the zone's name ends it twice, or where what stands before the zone's name is a host with an address.
    """
    for zone in parents(domain):
        bare = name.removesuffix(f".{zone}")
        if bare == name or "." not in bare:
            continue
        facts = {"name": name, "bare": bare, "domain": zone}
        if bare == zone or bare.endswith(f".{zone}"):
            return Finding(Clue.FINAL_DOT_MISSING, facts | {"how": "final-dot-twice"})
        v4, v6 = await asyncio.gather(lookup(bare, "A"), lookup(bare, "AAAA"))
        if Status.OK in (v4.status, v6.status):
            return Finding(Clue.FINAL_DOT_MISSING, facts | {"how": "final-dot"})
        return None
    return None


def _with(endpoint: Endpoint, clue: Finding) -> Endpoint:
    return replace(endpoint, findings=(*endpoint.findings, clue))
