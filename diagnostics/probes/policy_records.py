"""The records of DANE and MTA-STS. Exchange Online heeds both on delivery by MX; they are seen here, not yet checked."""

import asyncio
from collections.abc import Sequence

from diagnostics.findings import Finding, Warn
from diagnostics.net.names import MAX_NAME
from diagnostics.probes.endpoint import Lookup
from diagnostics.probes.resolver import Answer, Status

_TOLD = (Status.OK, Status.NXDOMAIN, Status.NO_DATA)


async def policies(domain: str, hosts: Sequence[str], lookup: Lookup) -> list[Finding]:
    """What the domain and its MX hosts ask of a sender, or that it could not be told."""
    # a host whose name is too long for this cannot have such a record
    asked = [name for name in hosts if len(f"_25._tcp.{name}") <= MAX_NAME]
    sts, *tlsa = await asyncio.gather(
        lookup(f"_mta-sts.{domain}", "TXT"), *(lookup(f"_25._tcp.{name}", "TLSA") for name in asked)
    )
    found = []
    if sts.status is Status.OK and any("v=STSv1" in record for record in sts.records):
        found.append(Finding(Warn.MTA_STS_NOT_CHECKED, {"name": domain, "text": sts.records[0][:120]}))
    answers = list(zip(asked, tlsa, strict=True))
    with_records = [name for name, answer in answers if answer.status is Status.OK]
    if with_records:
        found.append(Finding(Warn.DANE_NOT_CHECKED, {"how": "records", "name": with_records[0]}))
    elif failed := [(name, answer) for name, answer in answers if answer.status not in _TOLD]:
        # a signed zone whose TLSA records cannot be had gets no mail (RFC 7672 section 2.1.2); another one does
        found.append(_not_told(*failed[0]))
    return found


def _not_told(name: str, answer: Answer) -> Finding:
    how = "look-up-failed" if answer.rcode else "look-up-unanswered"
    return Finding(Warn.DANE_NOT_CHECKED, {"how": how, "name": name, "rcode": answer.rcode})
