"""Why a fix is not done: contract 6's `blocked` for one known connector, each with the way out. Pure.

What was not told, and every value that mailflow does not know, blocks like the worst that it could be.
"""

from collections import Counter
from collections.abc import Iterator

from diagnostics.catalogue.fixing import Objection, Topic
from diagnostics.fix.cmdlet import is_guid
from diagnostics.fix.domains import is_authoritative, is_internal_relay, names_of
from diagnostics.fix.facts import Case
from diagnostics.fix.notes import Note, listing, note
from diagnostics.route import pattern


def blocks(case: Case) -> tuple[Note, ...]:
    """Every reason against the fix, in contract 6's order. One id may stand twice, for two reasons."""
    rules = (
        *(_identity, _type, _already_off, _all_mail, _rules, _sub_domains, _choice, _accepted, _not_told_apart, _relay),
        *(_mailboxes, _recipients, _answers, _writable),
    )
    return tuple(objection for rule in rules for objection in rule(case))


def _identity(case: Case) -> Iterator[Note]:
    guid = case.connector.Guid
    if not is_guid(guid):
        yield note(Objection.CONNECTOR_AMBIGUOUS, "no-guid", connector=case.name)
    elif sum(c.Guid.lower() == guid.lower() for c in case.read.inventory.connectors) > 1:
        yield note(Objection.CONNECTOR_AMBIGUOUS, "same-guid-read", guid=guid)


def _type(case: Case) -> Iterator[Note]:
    kind = case.connector.ConnectorType or ""
    if case.connector.is_partner:
        yield note(Objection.CONNECTOR_PARTNER, "partner", connector=case.name)
    elif not kind:
        yield note(Objection.CONNECTOR_PARTNER, "not-told", connector=case.name)
    elif kind.casefold() != "onpremises":
        yield note(Objection.CONNECTOR_PARTNER, "unknown", connector=case.name, type=repr(kind[:64]))


def _already_off(case: Case) -> Iterator[Note]:
    if not case.read.told(case.connector, "Enabled"):
        yield note(Objection.CONNECTOR_ALREADY_OFF, "not-told", connector=case.name)
        return
    if not case.connector.Enabled:
        off = note(Topic.PART, "switched-off", connector=case.name)
    elif case.connector.TestMode:
        off = note(Topic.PART, "in-test-mode", connector=case.name)
    else:
        return
    if case.domains.turned:
        yield note(Objection.CONNECTOR_ALREADY_OFF, "cmdlet-remains", off=off, domains=names_of(case.domains.turned))
    elif case.domains.relayed:
        yield note(Objection.CONNECTOR_ALREADY_OFF, "relay-remains", off=off, domains=names_of(case.domains.relayed))
    else:
        yield note(Objection.CONNECTOR_ALREADY_OFF, "nothing-remains", off=off)


def _all_mail(case: Case) -> Iterator[Note]:
    if not case.read.told(case.connector, "RouteAllMessagesViaOnPremises"):
        yield note(Objection.ROUTES_ALL_MAIL, "not-told", connector=case.name)
    elif case.connector.RouteAllMessagesViaOnPremises:
        yield note(Objection.ROUTES_ALL_MAIL, "yes", connector=case.name)


def _rules(case: Case) -> Iterator[Note]:
    """A rule that is switched off counts too: one click, and the mail that it sends has no connector."""
    if not case.read.told(case.connector, "IsTransportRuleScoped"):
        yield note(Objection.TRANSPORT_RULE_SCOPED, "not-told", connector=case.name)
    elif case.connector.IsTransportRuleScoped:
        yield note(Objection.TRANSPORT_RULE_SCOPED, "scoped", connector=case.name)
    if case.rules:
        yield note(Objection.TRANSPORT_RULE_SCOPED, "rules", connector=case.name, rules=listing(case.rules))


def _sub_domains(case: Case) -> Iterator[Note]:
    domains = case.domains
    if matching := [d for d in (*domains.turned, *domains.parents) if d.MatchSubDomains]:
        yield note(Objection.MATCHES_SUBDOMAINS, "yes", domains=names_of(matching))
    if untold := [d for d in domains.turned if not case.read.told(d, "MatchSubDomains")]:
        yield note(Objection.MATCHES_SUBDOMAINS, "not-told", domains=names_of(untold))


def _choice(case: Case) -> Iterator[Note]:
    domains = case.domains
    relayed = names_of(domains.relayed)
    if domains.is_open:
        yield note(Objection.DOMAIN_NOT_CHOSEN, "open", connector=case.name, domains=relayed)
    served = {pattern(d.DomainName) for d in domains.served}
    way_out = note(Topic.PART, "choose", domains=relayed) if relayed else note(Topic.PART, "leave-out")
    for name, domain in case.chosen.items():
        if domain is None or name in served or not is_internal_relay(domain):
            continue
        chosen = domain.DomainName[:64]
        if other := domains.elsewhere.get(name):
            yield note(Objection.DOMAIN_NOT_CHOSEN, "elsewhere", domain=chosen, connector=other.Name[:64], way_out=way_out)
        else:
            yield note(Objection.DOMAIN_NOT_CHOSEN, "not-served", domain=chosen, connector=case.name, way_out=way_out)


def _accepted(case: Case) -> Iterator[Note]:
    """Not for a partner's connector: its domains are the partner's, and to accept one would break all mail to it."""
    if any(_type(case)):
        return
    known = case.read.inventory.accepted_domains
    if not known:
        yield note(Objection.DOMAIN_NOT_ACCEPTED, "none-read" if case.read.complete else "none-exported")
        return
    if strange := [name for name, domain in case.chosen.items() if domain is None]:
        yield note(Objection.DOMAIN_NOT_ACCEPTED, "strange", names=listing([repr(n) for n in strange]), domains=names_of(known))
    if unaccepted := case.domains.unaccepted:
        yield note(Objection.DOMAIN_NOT_ACCEPTED, "served", connector=case.name, domains=listing(unaccepted))


def _not_told_apart(case: Case) -> Iterator[Note]:
    known = case.read.inventory.accepted_domains
    seen = Counter(key for d in known for key in (d.Guid.lower(), pattern(d.DomainName)))
    doubtful = [d for d in case.domains.turned if not is_guid(d.Guid) or seen[d.Guid.lower()] + seen[pattern(d.DomainName)] > 2]
    if doubtful:
        yield note(Objection.DOMAIN_NOT_ACCEPTED, "not-told-apart", domains=names_of(doubtful))


def _relay(case: Case) -> Iterator[Note]:
    """Without a choice, a domain that is neither Internal Relay nor Authoritative would lose its connector unseen."""
    named = [d for d in case.chosen.values() if d is not None]
    if done := [d for d in named if is_authoritative(d)]:
        yield note(Objection.DOMAIN_NOT_INTERNAL_RELAY, "done", domains=names_of(done))
    others = named if case.chosen else case.domains.left_behind
    if others := [d for d in others if not is_authoritative(d) and not is_internal_relay(d)]:
        kinds = [_with_type(d.DomainName[:64], (d.DomainType or "")[:64]) for d in others]
        yield note(Objection.DOMAIN_NOT_INTERNAL_RELAY, "other-type", domains=listing(kinds))


def _with_type(domain: str, kind: str) -> Note:
    return note(Topic.PART, "name-and", name=domain, what=kind or note(Topic.PART, "type-not-told"))


def _mailboxes(case: Case) -> Iterator[Note]:
    if case.read.has_mailboxes is False:
        yield note(Objection.NO_CLOUD_MAILBOXES)


def _recipients(case: Case) -> Iterator[Note]:
    counts = {d.DomainName: case.read.recipients.get(d.DomainName.lower(), 0) for d in case.domains.in_question}
    if found := [note(Topic.PART, "count-of", count=n, name=domain[:64]) for domain, n in counts.items() if n]:
        yield note(Objection.RECIPIENTS_ON_PREMISES, counts=listing(found))


def _answers(case: Case) -> Iterator[Note]:
    if case.wanted.answers is not None and not case.wanted.by_name:
        yield note(Objection.SERVER_ANSWERS, "blocks", where=case.wanted.answers[:200])


def _writable(case: Case) -> Iterator[Note]:
    """An export may be older than the tenant: what it says is printed, and never written."""
    if not case.wanted.writable:
        yield note(Objection.NOT_WRITABLE, "no-credentials")
    elif not case.read.complete:
        yield note(Objection.NOT_WRITABLE, "export")
