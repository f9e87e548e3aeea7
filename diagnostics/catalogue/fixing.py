"""What is said of a fix: contract 6's ids of reasons against it and of warnings, and everything else that a fix has words for.

The words stand in catalogue/en/fix.toml; loading checks that each of these has them.
"""

from enum import StrEnum

from diagnostics.catalogue.files import words
from diagnostics.catalogue.phrases import Phrases
from diagnostics.endpoints import Ranges


class Objection(StrEnum):
    """Why a fix is not done."""

    CONNECTOR_NOT_FOUND = "connector-not-found"
    CONNECTOR_AMBIGUOUS = "connector-ambiguous"
    CONNECTOR_PARTNER = "connector-partner"
    CONNECTOR_ALREADY_OFF = "connector-already-off"
    ROUTES_ALL_MAIL = "routes-all-mail"
    TRANSPORT_RULE_SCOPED = "transport-rule-scoped"
    MATCHES_SUBDOMAINS = "matches-subdomains"
    DOMAIN_NOT_CHOSEN = "domain-not-chosen"
    DOMAIN_NOT_ACCEPTED = "domain-not-accepted"
    DOMAIN_NOT_INTERNAL_RELAY = "domain-not-internal-relay"
    NO_CLOUD_MAILBOXES = "no-cloud-mailboxes"
    RECIPIENTS_ON_PREMISES = "recipients-on-premises"
    SERVER_ANSWERS = "server-answers"
    NOT_WRITABLE = "not-writable"
    CHANGED_SINCE_PLAN = "changed-since-plan"


class Caution(StrEnum):
    """What does not hinder a fix. `server-answers` is one of these too, where a person asked for the fix by name."""

    RECIPIENTS_NOT_READ = "recipients-not-read"
    MX_ELSEWHERE = "mx-elsewhere"
    HYBRID_CONNECTOR = "hybrid-connector"
    TAKES_OVER = "takes-over"


class Topic(StrEnum):
    """What has words and no id of contract 6."""

    OFFER = "offer"
    CONSEQUENCE = "consequence"
    CHECKLIST = "checklist"
    OUTCOME = "outcome"
    PROGRESS = "progress"
    PART = "part"


def phrases(ranges: Ranges) -> Phrases:
    """Raises CatalogueFault unless exactly these have words."""
    found = Phrases("fix.toml", words("fix.toml", ranges))
    found.check([*Objection, *Caution, *Topic])
    return found
