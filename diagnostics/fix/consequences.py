"""What a person must know before a fix: warnings, what follows from it, and what mailflow cannot see. Pure (contract 6)."""

from collections.abc import Iterator, Sequence

from diagnostics.catalogue.fixing import Caution, Objection, Topic
from diagnostics.fix.domains import names_of
from diagnostics.fix.facts import Case
from diagnostics.fix.notes import Fact, Names, Note, listing, note
from diagnostics.net.names import is_microsoft

GONE_FOR_GOOD = note(Topic.CHECKLIST, "gone-for-good")
"""What nobody can see from here: a server that only Microsoft 365 reaches looks the same as one that is gone."""

CHECKLIST = (
    GONE_FOR_GOOD,
    *(note(Topic.CHECKLIST, how) for how in ("mailboxes", "mx", "senders", "hybrid", "journals", "dns-records", "leftovers")),
)
"""What only people know who take a server away."""


def warnings(case: Case) -> tuple[Note, ...]:
    """What does not hinder the fix, and should be known: contract 6's `warnings`, and `server-answers` where it is one."""
    return tuple(caution for rule in (_answers, _not_read, _mx, _hybrid, _takes_over) for caution in rule(case))


def consequences(case: Case) -> tuple[Note, ...]:
    """What changes for people and their mail."""
    through = _of_connector(case) if case.carries else ()
    return (*_of_domains(case), *through, note(Topic.CONSEQUENCE, "takes-effect"), note(Topic.CONSEQUENCE, "queue"))


def _answers(case: Case) -> Iterator[Note]:
    if case.wanted.answers is not None and case.wanted.by_name:
        yield note(Objection.SERVER_ANSWERS, "warns", where=case.wanted.answers[:200])


def _not_read(case: Case) -> Iterator[Note]:
    read, domains = case.read, [d.DomainName for d in case.domains.in_question]
    missing = (
        *((note(Topic.PART, "rules"),) if read.rules is None else ()),
        *((note(Topic.PART, "has-mailboxes"),) if read.has_mailboxes is None else ()),
        *_of("mail-users-of", [d for d in domains if d.lower() not in read.recipients]),
        *_of("mx-of", [d for d in domains if d.lower() not in read.mx]),
    )
    if missing or read.unread:
        why: Fact = note(Topic.PART, "because", why=listing(read.unread, wide=200)) if read.unread else ""
        yield note(Caution.RECIPIENTS_NOT_READ, "these" if missing else "some", what=Names(missing), why=why)


def _of(how: str, names: Sequence[str]) -> tuple[Note, ...]:
    return (note(Topic.PART, how, names=listing(names)),) if names else ()


def _mx(case: Case) -> Iterator[Note]:
    elsewhere, without = [], []
    for domain in case.domains.in_question:
        hosts = case.read.mx.get(domain.DomainName.lower())
        if hosts is not None and not any(hosts):
            without.append(domain.DomainName[:64])
        elif hosts is not None and not all(map(is_microsoft, hosts)):
            where = listing([h or "." for h in hosts], most=2)
            elsewhere.append(note(Topic.PART, "name-and", name=domain.DomainName[:64], what=where))
    if elsewhere or without:
        how = "both" if elsewhere and without else "elsewhere" if elsewhere else "without"
        yield note(Caution.MX_ELSEWHERE, how, domains=listing(elsewhere), without=listing(without))


def _hybrid(case: Case) -> Iterator[Note]:
    if is_hybrid(case):
        yield note(Caution.HYBRID_CONNECTOR, connector=case.name)


def is_hybrid(case: Case) -> bool:
    return case.connector.CloudServicesMailEnabled or (case.connector.ConnectorSource or "").casefold() == "hybridwizard"


def _takes_over(case: Case) -> Iterator[Note]:
    others = [note(Topic.PART, "name-and", name=o[:64], what=listing(names)) for o, names in case.takers.items()]
    if others:
        yield note(Caution.TAKES_OVER, connectors=listing(others))


def _of_domains(case: Case) -> Iterator[Note]:
    if turned := names_of(case.domains.turned):
        yield note(Topic.CONSEQUENCE, "refused-at-once", domains=turned)
        yield note(Topic.CONSEQUENCE, "sub-domains", domains=turned)


def _of_connector(case: Case) -> Iterator[Note]:
    domains = case.domains
    if domains.left_behind:
        how = "not-chosen" if domains.is_open else "not-turned"
        yield note(Topic.CONSEQUENCE, how, domains=names_of(domains.left_behind))
    taken = {name for names in case.takers.values() for name in names}
    for other, names in list(case.takers.items())[:5]:
        yield note(Topic.CONSEQUENCE, "other-connector", domains=listing(names), connector=other[:64])
    if rest := [d.DomainName for d in domains.in_question if d.DomainName not in taken]:
        yield note(Topic.CONSEQUENCE, "by-mx", domains=listing(rest))
    if wildcards := [d for d in case.connector.RecipientDomains if d.startswith("*.")]:
        yield note(Topic.CONSEQUENCE, "wildcards", domains=listing(wildcards))
    if "*" in case.connector.RecipientDomains:
        yield note(Topic.CONSEQUENCE, "all-others")
    if is_hybrid(case):
        yield note(Topic.CONSEQUENCE, "hybrid")
