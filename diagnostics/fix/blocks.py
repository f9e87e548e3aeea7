"""Why a fix is not done: contract 6's `blocked` for one known connector, each with the way out. Pure.

What was not told, and every value that mailflow does not know, blocks like the worst that it could be.
"""

from collections import Counter
from collections.abc import Iterator

from diagnostics.fix.case import Case
from diagnostics.fix.cmdlet import is_guid
from diagnostics.fix.domains import is_authoritative, is_internal_relay, listing, names_of
from diagnostics.fix.model import FixNote
from diagnostics.route import pattern

_ANEW = "Read it anew with all its fields, then ask again."
_AGAIN = "Ask again; if it stays so, look at the rights of the app that reads."
_EXPORT = (
    "Name an export of Get-AcceptedDomain with --accepted-domains (MAILFLOW_ACCEPTED_DOMAINS), "
    "or set MAILFLOW_EXCHANGE_TENANT and the credentials for reading."
)

Notes = Iterator[tuple[str, str]]


def blocks(case: Case) -> tuple[FixNote, ...]:
    """Every reason against the fix, in contract 6's order. One id may stand twice, for two reasons."""
    rules = (
        *(_identity, _type, _already_off, _all_mail, _rules, _sub_domains, _choice, _accepted, _not_told_apart, _relay),
        *(_mailboxes, _recipients, _answers, _writable),
    )
    return tuple(FixNote(id=id, text=text) for rule in rules for id, text in rule(case))


def _identity(case: Case) -> Notes:
    guid = case.connector.Guid
    if not is_guid(guid):
        yield (
            "connector-ambiguous",
            f"{case.name} was read without a well-formed Guid, so no write can be sure to meet it alone. {_ANEW}",
        )
    elif sum(c.Guid.lower() == guid.lower() for c in case.read.inventory.connectors) > 1:
        yield (
            "connector-ambiguous",
            f"Several connectors were read with the Guid {guid}, so no write can be sure to meet one alone. {_ANEW}",
        )


def _type(case: Case) -> Notes:
    kind = case.connector.ConnectorType or ""
    if case.connector.is_partner:
        yield (
            "connector-partner",
            f"{case.name} leads to a partner's servers: switching it off would drop the TLS that it forces. "
            "Ask the partner to mend the server.",
        )
    elif kind.casefold() != "onpremises":
        said = f"The type of {case.name} was read as {kind[:64]!r}" if kind else f"The type of {case.name} was not told"
        yield "connector-partner", f"{said}, and Fix now is for OnPremises connectors alone. {_ANEW}"


def _already_off(case: Case) -> Notes:
    if not case.read.told(case.connector, "Enabled"):
        yield "connector-already-off", f"It was not told whether {case.name} is switched on. {_ANEW}"
        return
    if not case.connector.Enabled:
        said = f"{case.name} is switched off already."
    elif case.connector.TestMode:
        said = f"{case.name} is in test mode: Exchange Online sends no mail through it, so there is nothing to switch off."
    else:
        return
    if case.domains.turned:
        yield "connector-already-off", f"{said} Still Internal Relay: {names_of(case.domains.turned)}. Run the cmdlet shown."
    elif case.domains.relayed:
        yield "connector-already-off", f"{said} Still Internal Relay: {names_of(case.domains.relayed)}."
    else:
        yield "connector-already-off", f"{said} Nothing remains to be done."


def _all_mail(case: Case) -> Notes:
    if not case.read.told(case.connector, "RouteAllMessagesViaOnPremises"):
        yield "routes-all-mail", f"It was not told whether {case.name} carries all outgoing mail. {_ANEW}"
    elif case.connector.RouteAllMessagesViaOnPremises:
        yield (
            "routes-all-mail",
            f"{case.name} carries all outgoing mail, to other organisations too (RouteAllMessagesViaOnPremises). "
            "Set that to false first, see that mail leaves, then ask again.",
        )


def _rules(case: Case) -> Notes:
    """A rule that is switched off counts too: one click, and the mail that it sends has no connector."""
    if not case.read.told(case.connector, "IsTransportRuleScoped"):
        yield "transport-rule-scoped", f"It was not told whether {case.name} acts through mail flow rules alone. {_ANEW}"
    elif case.connector.IsTransportRuleScoped:
        yield (
            "transport-rule-scoped",
            f"{case.name} acts through mail flow rules alone (IsTransportRuleScoped): they decide whose mail it carries. "
            "Change those rules first, then switch it off by hand.",
        )
    if case.rules:
        yield (
            "transport-rule-scoped",
            f"Mail flow rules send mail through {case.name}, which then has no way out: {listing(case.rules)}. "
            "Take that action out of them, or remove them, then ask again.",
        )


def _sub_domains(case: Case) -> Notes:
    domains = case.domains
    if matching := [d for d in (*domains.turned, *domains.parents) if d.MatchSubDomains]:
        yield (
            "matches-subdomains",
            f"An Authoritative domain takes no mail for its sub-domains, as these do (MatchSubDomains): {names_of(matching)}. "
            "Add the sub-domains in use as accepted domains of their own, set MatchSubDomains to false, then ask again.",
        )
    if untold := [d for d in domains.turned if not case.read.told(d, "MatchSubDomains")]:
        yield (
            "matches-subdomains",
            f"It was not told whether sub-domains are accepted too (MatchSubDomains): {names_of(untold)}. {_ANEW}",
        )


def _choice(case: Case) -> Notes:
    domains = case.domains
    if domains.is_open:
        yield (
            "domain-not-chosen",
            f"{case.name} serves {names_of(domains.relayed)}. Name with --domain each of them that has nothing on premises "
            "any more: it becomes Authoritative.",
        )
    served = {pattern(d.DomainName) for d in domains.served}
    which = f"Choose among {names_of(domains.relayed)}." if domains.relayed else "Leave it out."
    for name, domain in case.chosen.items():
        if domain is None or name in served or not is_internal_relay(domain):
            continue
        other = domains.elsewhere.get(name)
        why = f"its mail leaves by {other.Name[:64]}" if other else f"it is not one that {case.name} serves"
        yield "domain-not-chosen", f"{domain.DomainName[:64]} is Internal Relay, and {why}. {which}"


def _accepted(case: Case) -> Notes:
    """Not for a partner's connector: its domains are the partner's, and to accept one would break all mail to it."""
    if any(_type(case)):
        return
    known = case.read.inventory.accepted_domains
    if not known:
        yield (
            "domain-not-accepted",
            "No accepted domain is known, so it cannot be told which one has to become Authoritative. "
            f"{_AGAIN if case.read.complete else _EXPORT}",
        )
        return
    if strange := [name for name, domain in case.chosen.items() if domain is None]:
        yield (
            "domain-not-accepted",
            f"No accepted domain of this tenant: {listing([repr(name) for name in strange])}. Accepted are {names_of(known)}.",
        )
    if unaccepted := case.domains.unaccepted:
        yield (
            "domain-not-accepted",
            f"{case.name} serves what the tenant does not accept: {listing(unaccepted)}. "
            "Take that out of its RecipientDomains, or add it to the accepted domains, then ask again.",
        )


def _not_told_apart(case: Case) -> Notes:
    known = case.read.inventory.accepted_domains
    seen = Counter(key for d in known for key in (d.Guid.lower(), pattern(d.DomainName)))
    doubtful = [d for d in case.domains.turned if not is_guid(d.Guid) or seen[d.Guid.lower()] + seen[pattern(d.DomainName)] > 2]
    if doubtful:
        yield (
            "domain-not-accepted",
            f"Read twice or without a well-formed Guid, so no write is sure to meet it alone: {names_of(doubtful)}. {_ANEW}",
        )


def _relay(case: Case) -> Notes:
    """Without a choice, a domain that is neither Internal Relay nor Authoritative would lose its connector unseen."""
    named = [d for d in case.chosen.values() if d is not None]
    if done := [d for d in named if is_authoritative(d)]:
        yield (
            "domain-not-internal-relay",
            f"Authoritative already, so nothing is to be done for it: {names_of(done)}. Leave it out.",
        )
    others = named if case.chosen else case.domains.left_behind
    if others := [d for d in others if not is_authoritative(d) and not is_internal_relay(d)]:
        kinds = listing([f"{d.DomainName[:64]} ({(d.DomainType or 'type not told')[:64]})" for d in others], wide=140)
        yield (
            "domain-not-internal-relay",
            f"Only an Internal Relay domain can be made Authoritative here, and these are not: {kinds}. "
            "Set their type by hand, or leave them out with --domain.",
        )


def _mailboxes(case: Case) -> Notes:
    if case.read.has_mailboxes is False:
        yield (
            "no-cloud-mailboxes",
            "This tenant has no mailbox in Exchange Online, so all its mail is delivered by connectors. "
            "Leave the connector on, and mend the server.",
        )


def _recipients(case: Case) -> Notes:
    counts = {d.DomainName: case.read.recipients.get(d.DomainName.lower(), 0) for d in case.domains.in_question}
    if found := [f"{count} of {name[:64]}" for name, count in counts.items() if count]:
        yield (
            "recipients-on-premises",
            f"Mail users with their target in their own accepted domain: {listing(found, wide=90)}. Their mailboxes are on "
            "premises and would get no more mail from here: move or remove them first.",
        )


def _answers(case: Case) -> Notes:
    if case.wanted.answers is not None and not case.wanted.by_name:
        yield (
            "server-answers",
            f"A fresh check reaches {case.wanted.answers[:200]}, so the server is not gone. "
            "To switch the connector off all the same, ask for the fix by the connector's name.",
        )


def _writable(case: Case) -> Notes:
    """An export may be older than the tenant: what it says is printed, and never written."""
    if not case.wanted.writable:
        yield (
            "not-writable",
            "There are no credentials for writing. Run the cmdlets in Exchange Online PowerShell in this order, "
            "or set MAILFLOW_EXCHANGE_FIX_CLIENT_ID and its secret.",
        )
    elif not case.read.complete:
        yield (
            "not-writable",
            "This was read from an export, which may be older than the tenant. Run the cmdlets in Exchange Online PowerShell "
            "in this order, or set MAILFLOW_EXCHANGE_TENANT and the credentials for reading.",
        )
