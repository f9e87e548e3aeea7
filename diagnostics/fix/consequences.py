"""What a person must know before a fix: warnings, what follows from it, and what mailflow cannot see. Pure (contract 6)."""

from collections.abc import Iterator, Sequence

from diagnostics.fix.case import Case
from diagnostics.fix.domains import listing, names_of
from diagnostics.fix.model import FixNote
from diagnostics.names import is_microsoft

GONE_FOR_GOOD = "The servers are gone for good, and no firewall admits Microsoft 365 alone."
"""What nobody can see from here: a server that only Microsoft 365 reaches looks the same as one that is gone."""

CHECKLIST = (
    GONE_FOR_GOOD,
    "No mailbox, public folder or list is left on the server on premises.",
    "The MX records of the domains point to Exchange Online, or to a filter in front of it.",
    "No printer, scanner, application or other machine sends its mail through the server on premises.",
    "No hybrid feature is in use any more: free/busy, archives, moves of mailboxes, mail routed through the own servers.",
    "No journal rule, archive or compliance product takes its copies from the server on premises.",
    "SPF, DKIM, autodiscover and other DNS records do not name the server on premises.",
    "Inbound connectors, firewall rules and certificates kept for the server are looked at too.",
)
"""What only people know who take a server away."""

Notes = Iterator[tuple[str, str]]


def warnings(case: Case) -> tuple[FixNote, ...]:
    """What does not hinder the fix, and should be known: contract 6's `warnings`, and `server-answers` where it is one."""
    rules = (_answers, _not_read, _mx, _hybrid, _takes_over)
    return tuple(FixNote(id=id, text=text) for rule in rules for id, text in rule(case))


def consequences(case: Case) -> tuple[str, ...]:
    """What changes for people and their mail, in plain words."""
    through = _of_connector(case) if case.carries else ()
    return (
        *_of_domains(case),
        *through,
        "It takes effect in 30 to 60 minutes: verify after an hour.",
        "Mail that waits in the queue is tried again for up to 24 hours. Nothing can hurry it, and Microsoft does not say "
        "whether the new settings are applied to it.",
    )


def _answers(case: Case) -> Notes:
    if case.wanted.answers is not None and case.wanted.by_name:
        yield (
            "server-answers",
            f"A fresh check reaches {case.wanted.answers[:200]}, so the server is not gone. "
            "Leave the connector on if mail for anybody is still delivered there.",
        )


def _not_read(case: Case) -> Notes:
    read, domains = case.read, [d.DomainName for d in case.domains.in_question]
    missing = [
        *(["mail flow rules"] if read.rules is None else []),
        *(["whether there are mailboxes in Exchange Online"] if read.has_mailboxes is None else []),
        *_of("mail users", [d for d in domains if d.lower() not in read.recipients]),
        *_of("the MX", [d for d in domains if d.lower() not in read.mx]),
    ]
    if missing or read.unread:
        why = f" ({listing(read.unread, wide=200)})" if read.unread else ""
        what = f"This could not be read: {', '.join(missing)}{why}." if missing else f"Not all could be read{why}."
        yield "recipients-not-read", f"{what} Look at it by hand first."


def _of(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} of {listing(names)}"] if names else []


def _mx(case: Case) -> Notes:
    elsewhere, without = [], []
    for domain in case.domains.in_question:
        hosts = case.read.mx.get(domain.DomainName.lower())
        if hosts is not None and not any(hosts):
            without.append(domain.DomainName[:64])
        elif hosts is not None and not all(map(is_microsoft, hosts)):
            elsewhere.append(f"{domain.DomainName[:64]} ({listing([h or '.' for h in hosts], most=2)})")
    said = []
    if elsewhere:
        said.append(
            f"The MX does not point to Exchange Online: {listing(elsewhere, wide=220)}. Mail from outside arrives there first, "
            "and if that is the server that goes, it arrives nowhere: change the MX before."
        )
    if without:
        said.append(f"Without an MX nobody outside can send to {listing(without, wide=220)}.")
    if said:
        yield "mx-elsewhere", " ".join(said)


def _hybrid(case: Case) -> Notes:
    if is_hybrid(case):
        yield (
            "hybrid-connector",
            f"{case.name} belongs to a hybrid setup: free/busy, moves of mailboxes and mail between both sides hang on it. "
            "See that none of these is in use any more.",
        )


def is_hybrid(case: Case) -> bool:
    return case.connector.CloudServicesMailEnabled or (case.connector.ConnectorSource or "").casefold() == "hybridwizard"


def _takes_over(case: Case) -> Notes:
    if case.takers:
        others = [f"{other[:64]} ({listing(names)})" for other, names in case.takers.items()]
        yield (
            "takes-over",
            f"Another connector serves the same mail and carries it then: {listing(others, wide=400)}. "
            "If it leads to the server that is gone, switch it off too.",
        )


def _of_domains(case: Case) -> Iterator[str]:
    if turned := names_of(case.domains.turned):
        yield (
            f"Mail to an address of {turned} that Exchange Online does not know is refused at once, with "
            "550 5.4.1 Recipient address rejected: Access denied, instead of eating the organization's quota for invalid "
            "recipients. Until now it was queued for the server on premises."
        )
        yield f"Sub-domains of {turned} stay as they are: each is an accepted domain of its own, or none."


def _of_connector(case: Case) -> Iterator[str]:
    domains = case.domains
    if domains.left_behind:
        which = "What is not chosen" if domains.is_open else "What is not made Authoritative"
        yield (
            f"{which} loses this connector all the same: {names_of(domains.left_behind)}. Mail there to addresses that Exchange "
            "Online does not know leaves by another connector or the MX, and loops (554 5.4.14) if that leads back to it."
        )
    taken = {name for names in case.takers.values() for name in names}
    for other, names in list(case.takers.items())[:5]:
        yield f"Mail to {listing(names)} that Exchange Online does not deliver itself leaves by the connector {other[:64]}."
    if rest := [d.DomainName for d in domains.in_question if d.DomainName not in taken]:
        yield f"Mail to {listing(rest)} that Exchange Online does not deliver itself follows the MX."
    if wildcards := [d for d in case.connector.RecipientDomains if d.startswith("*.")]:
        yield f"Mail to any other domain under {listing(wildcards)} loses this connector as well."
    if "*" in case.connector.RecipientDomains:
        yield "Mail to every other domain (*) loses this connector as well: it leaves by the MX of each, or by another connector."
    if is_hybrid(case):
        yield "Mail between Exchange Online and the server on premises is no longer treated as internal."
