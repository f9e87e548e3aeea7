"""The tags that probes write and the catalogue explains: contract 4's reasons, its warnings, and clues that rank causes.

No code, no severity and no advice stands here: one fact can mean several of Microsoft's codes, so the catalogue decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a path or a result is not healthy (contract 4)."""

    DNS_NXDOMAIN = "dns-nxdomain"
    DOMAIN_NXDOMAIN = "domain-nxdomain"
    DNS_NO_RECORDS = "dns-no-records"
    DNS_NULL_MX = "dns-null-mx"
    DNS_SERVER_FAILURE = "dns-server-failure"
    DNS_DNSSEC_BOGUS = "dns-dnssec-bogus"
    DNS_TIMEOUT = "dns-timeout"
    MX_IS_MICROSOFT = "mx-is-microsoft"
    TCP_TIMEOUT = "tcp-timeout"
    TCP_UNREACHABLE = "tcp-unreachable"
    TCP_REFUSED = "tcp-refused"
    SMTP_CLOSED = "smtp-closed"
    SMTP_TIMEOUT = "smtp-timeout"
    SMTP_UNAVAILABLE = "smtp-unavailable"
    SMTP_REJECTED = "smtp-rejected"
    SMTP_PROTOCOL = "smtp-protocol"
    STARTTLS_MISSING = "starttls-missing"
    STARTTLS_REJECTED = "starttls-rejected"
    TLS_VERSION = "tls-version"
    TLS_HANDSHAKE = "tls-handshake"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    CERTIFICATE_INCOMPLETE_CHAIN = "certificate-incomplete-chain"
    CERTIFICATE_INVALID = "certificate-invalid"
    CERTIFICATE_WEAK = "certificate-weak"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_NAME_MISMATCH = "certificate-name-mismatch"
    ADDRESS_NOT_PUBLIC = "address-not-public"
    VANTAGE_PORT_25_BLOCKED = "vantage-port-25-blocked"
    VANTAGE_PORT_25_INTERCEPTED = "vantage-port-25-intercepted"
    VANTAGE_DNS = "vantage-dns"
    VANTAGE_NO_IPV6 = "vantage-no-ipv6"
    VANTAGE_NO_ROUTE = "vantage-no-route"
    VANTAGE_REFUSED = "vantage-refused"
    VANTAGE_CLIENT_CERTIFICATE = "vantage-client-certificate"
    VANTAGE_CLOCK = "vantage-clock"
    VANTAGE_FAULT = "vantage-fault"
    DANE_NOT_CHECKED = "dane-not-checked"
    """SmtpDaneMode is Mandatory: without DANE no mail goes out, and whether the target has it is not checked."""
    CONNECTOR_DISABLED = "connector-disabled"
    NOTHING_TO_CHECK = "nothing-to-check"


class Warn(StrEnum):
    """What a person should know although the verdict does not hang on it. Certificate reasons can be warnings too."""

    PATHS_NOT_TESTED = "paths-not-tested"
    SPLIT_HORIZON = "split-horizon"
    PROBED_FROM_INSIDE = "probed-from-inside"
    PLAIN_TEXT = "plain-text"
    SLOW = "slow"
    DNS_AAAA_BROKEN = "dns-aaaa-broken"
    DNS_TOO_MANY = "dns-too-many"
    MX_IS_CNAME = "mx-is-cname"
    DANE_NOT_CHECKED = "dane-not-checked"
    MTA_STS_NOT_CHECKED = "mta-sts-not-checked"
    REVOCATION_NOT_CHECKED = "revocation-not-checked"
    CERTIFICATE_EXPIRES_SOON = "certificate-expires-soon"
    CERTIFICATE_DIFFERS = "certificate-differs"
    CERTIFICATE_UNNEEDED = "certificate-unneeded"
    CERTIFICATE_NAME_IN_CN_ONLY = "certificate-name-in-cn-only"
    RSA_CERTIFICATE_NOT_CHECKED = "rsa-certificate-not-checked"
    SMTP_IRREGULAR = "smtp-irregular"
    CONNECTOR_TEST_MODE = "connector-test-mode"
    TLS_SETTINGS_UNKNOWN = "tls-settings-unknown"
    EXPORT_CUT = "export-cut"
    NULL_MX_IGNORED = "null-mx-ignored"
    POLICY_SWITCHED_OFF = "policy-switched-off"
    CLIENT_CERTIFICATE_ASKED = "client-certificate-asked"
    TLS_LEGACY_RENEGOTIATION = "tls-legacy-renegotiation"
    CONTROL_HOST_DOWN = "control-host-down"


class Clue(StrEnum):
    """An observation that makes one cause likelier than another. It never is a verdict."""

    INSPECTION = "inspection"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    REPUTATION = "reputation"
    OTHER_PATHS_ANSWER = "other-paths-answer"
    WHOLE_FAMILY_FAILS = "whole-family-fails"
    NO_IPV6_PUBLISHED = "no-ipv6-published"
    FAILED_OVER_IPV4 = "failed-over-ipv4"
    WORKS_FROM_HERE = "works-from-here"
    EVERY_PATH_FAILS = "every-path-fails"
    NOT_SMTP = "not-smtp"
    SILENT_SERVER = "silent-server"
    CLOSED_AT_ONCE = "closed-at-once"
    CLOSED_LATER = "closed-later"
    ALERT = "tls-alert"
    NO_COMMON_SUITE = "no-common-suite"
    CERTIFICATE_BY_SNI = "certificate-by-sni"
    SELF_SIGNED = "self-signed"
    ISSUER_NOT_SENT = "issuer-not-sent"
    MX_WITHOUT_ADDRESS = "mx-without-address"
    RESOLVER_REFUSED = "resolver-refused"
    CNAME_LOOP = "cname-loop"
    INTERNAL_NAME = "internal-name"
    REPORTED = "reported"
    NOT_A_HOST_NAME = "not-a-host-name"
    MX_IS_ADDRESS = "mx-is-address"
    MX_IS_LOCALHOST = "mx-is-localhost"
    MX_NOT_A_HOST_NAME = "mx-not-a-host-name"
    FINAL_DOT_MISSING = "final-dot-missing"
    NXDOMAIN_BY_TYPE = "nxdomain-by-type"
    DNS_SERVER_FAILED = "dns-server-failed"
    DNS_ANSWER_UNUSABLE = "dns-answer-unusable"
    LOOP_BY_MX = "loop-by-mx"
    LOOP_BY_SMART_HOST = "loop-by-smart-host"
    ONE_NODE_OF_SEVERAL = "one-node-of-several"
    CLOSED_AFTER_WAITING = "closed-after-waiting"
    SILENT_LATER = "silent-later"
    SPEAKS_TLS = "speaks-tls"
    PROXY_NAMED = "proxy-named"
    GREYLISTING = "greylisting"
    COME_AGAIN = "come-again"
    CLIENT_NAME_REFUSED = "client-name-refused"
    CLIENT_ADDRESS_REFUSED = "client-address-refused"


class Unread(StrEnum):
    """What was left out of a text or a file that was given to be explained."""

    TEXT_CUT = "text-cut"
    FILE_CUT = "file-cut"
    TOO_DEEP = "too-deep"
    TOO_MANY_ROWS = "too-many-rows"
    TOO_MANY_ERRORS = "too-many-errors"
    NO_CODES = "no-codes"
    WORKBOOK_CUT = "workbook-cut"
    ARCHIVE_CUT = "archive-cut"
    DAMAGED_MESSAGE = "damaged-message"
    DAMAGED_TNEF = "damaged-tnef"
    DAMAGED_ARCHIVE = "damaged-archive"
    DAMAGED_WORKBOOK = "damaged-workbook"
    ENCRYPTED = "encrypted"
    PROTECTED_DOCUMENT = "protected-document"
    PICTURE = "picture"
    RECORDING = "recording"
    PDF = "pdf"
    WORD = "word"
    PRESENTATION = "presentation"
    OLD_WORKBOOK = "old-workbook"
    OFFICE_DOCUMENT = "office-document"
    ARCHIVE = "archive"
    OUTLOOK_STORE = "outlook-store"
    EVENT_LOG = "event-log"
    UNKNOWN_FILE = "unknown-file"


class Trace(StrEnum):
    """What a step showed that is no finding: shown in the path, never weighed."""

    LITERAL = "literal"
    RESOLVED = "resolved"
    CONNECTED = "connected"
    REPLIED = "replied"
    BROKE_OFF = "broke-off"
    REPLIED_INSIDE_TLS = "replied-inside-tls"
    TLS_UP = "tls-up"
    CERTIFICATE_SEEN = "certificate-seen"
    ADDRESS_HIDDEN = "address-hidden"
    LOOKED_AGAIN = "looked-again"


Tag = Reason | Warn | Clue | Trace

Facts = Mapping[str, str]
"""What was seen, by the names that the catalogue's templates use. `how` tells several ways of one tag apart.

Values are numbers in plain digits, names, and words of peers as they came: no sentence, and nothing that is read back.
"""

NO_FACTS: Facts = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """One tag and the facts that prove it. The words for it stand in catalogue/en/evidence.toml."""

    tag: Tag
    facts: Facts = field(default_factory=dict)


UNTESTED = frozenset(
    {
        Reason.ADDRESS_NOT_PUBLIC,
        Reason.VANTAGE_PORT_25_BLOCKED,
        Reason.VANTAGE_PORT_25_INTERCEPTED,
        Reason.VANTAGE_DNS,
        Reason.VANTAGE_NO_IPV6,
        Reason.VANTAGE_NO_ROUTE,
        Reason.VANTAGE_REFUSED,
        Reason.VANTAGE_CLIENT_CERTIFICATE,
        Reason.VANTAGE_CLOCK,
        Reason.VANTAGE_FAULT,
        Reason.NOTHING_TO_CHECK,
    }
)
"""Reasons that say that a path was not tested; they neither heal nor harm (contract 3)."""

CERTIFICATE = (
    Reason.CERTIFICATE_UNTRUSTED,
    Reason.CERTIFICATE_INCOMPLETE_CHAIN,
    Reason.CERTIFICATE_INVALID,
    Reason.CERTIFICATE_WEAK,
    Reason.CERTIFICATE_EXPIRED,
    Reason.CERTIFICATE_NOT_YET_VALID,
    Reason.CERTIFICATE_NAME_MISMATCH,
)
"""Faults of one certificate, in the order in which contract 3 ranks them (revoked is not checked yet)."""
