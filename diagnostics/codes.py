"""What a status code is, by its numbers: one table, read by the parser, the explanation and docs/ids.md.

A code is known by class, subject and detail (RFC 3463 section 2). The same numbers in another class are another code, but for
`twins`: the form in which Exchange Online returns what has expired in its queue (450 4.4.316 → 550 5.4.316). Ranges are
Microsoft's own (non-delivery-reports-in-exchange-online). Codes that others use in another sense count only with Microsoft's
words beside them. What is said of a row stands in the catalogue under the row's name.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from diagnostics.findings import Reason

Writer = Literal["outbound", "inbound", "on-premises", "anybody"]
"""Who writes a code: Exchange Online while it sends (`outbound`) or refuses what comes in (`inbound`), an Exchange server on
premises, or any mail server."""


class Row(NamedTuple):
    """`name` is the row's first code and its entry in the catalogue.

    `codes`: further ones of the same meaning. `twins`: the forms in which expired mail is returned. `through`: ranges, each of
    one class. `words`: what the text has to say beside the code. `reason`: what the code alone proves. `waits`: it only says how
    long the mail waits; what failed stands beside it. `wraps`: behind it stands another server's reply.
    `plain`: any server uses it, so that its words say more than the number.
    """

    name: str
    writer: Writer = "anybody"
    twins: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    through: tuple[tuple[str, str], ...] = ()
    words: re.Pattern[str] | None = None
    reason: Reason | None = None
    waits: bool = False
    wraps: bool = False
    plain: bool = False


DELAYED = "4.4.7 delayed"
"""The row of mail that still waits."""

PRX = "4.7.0 exchange"
"""The row of Exchange Server's own proxy errors, which look like those of Exchange Online."""

_ROWS = (
    # Exchange Online while it sends: connectors-mail-flow-intelligence, how-smtp-dane-works, enhancing-mail-flow-with-mta-sts
    Row("4.4.312", "outbound", twins=("5.4.312",)),
    Row("4.4.315", "outbound", twins=("5.4.315",), reason=Reason.TCP_TIMEOUT),
    Row("4.4.316", "outbound", twins=("5.4.316",), reason=Reason.TCP_REFUSED),
    Row("4.4.317", "outbound", twins=("5.4.317",)),
    Row("4.4.318", "outbound", twins=("5.4.318",), reason=Reason.SMTP_CLOSED),
    Row("4.7.320", "outbound", twins=("5.7.320",)),
    Row("4.7.321", "outbound", twins=("5.7.321",)),
    Row("4.7.322", "outbound", twins=("5.7.322",)),
    Row("4.7.323", "outbound", twins=("5.7.323",)),
    Row("4.7.324", "outbound", twins=("5.7.324",)),
    Row("4.7.325", "outbound", twins=("5.7.325",)),
    Row("4.4.8", "outbound", twins=("5.4.8",), words=re.compile("(?i)MTA-STS")),
    Row("4.7.5", "outbound", twins=("5.7.5",), words=re.compile("(?i)MTA-STS")),
    Row("5.4.310", "outbound", reason=Reason.DOMAIN_NXDOMAIN),
    Row("5.4.14", "outbound"),
    Row("5.4.300", codes=("4.4.300",), waits=True),
    Row("4.4.7", codes=("5.4.7",), waits=True),
    Row(DELAYED, waits=True, words=re.compile("(?i)delayed|will be retried")),
    Row("4.4.2", plain=True),
    Row("5.1.351", "outbound", wraps=True),
    Row("5.0.350", "outbound", wraps=True),
    Row("5.7.367", "outbound"),
    Row("5.4.4", "on-premises", words=re.compile(r"(?i)DNS\.NonExistentDomain|non-?existent domain")),
    # the tenant's own sending
    Row("5.1.8", "outbound", words=re.compile("(?i)bad outbound sender")),
    Row("5.1.90", "outbound"),
    Row("5.2.2 submission", "outbound", words=re.compile("(?i)submission quota")),
    Row("5.7.501", "inbound", codes=("5.7.502", "5.7.503")),
    Row("5.7.520", "outbound"),
    Row("5.7.703", "outbound"),
    Row("5.7.705", "outbound", through=(("5.7.700", "5.7.749"),)),
    Row("5.7.708", "outbound"),
    Row("5.7.750", "outbound"),
    Row("5.7.232", "outbound", codes=("5.7.233", "4.7.232", "4.7.233")),
    Row("5.7.57", "inbound"),
    Row("5.7.30", "inbound", words=re.compile("(?i)basic auth")),
    Row("5.7.139", "inbound"),
    # Exchange Online refuses what comes in
    Row("5.7.64", "inbound", codes=("4.7.64",)),
    Row("5.7.51", "inbound", codes=("4.7.51",)),
    Row("5.7.68", "inbound"),
    Row("5.7.711", "inbound", codes=("4.7.711",)),
    Row("4.7.230", "inbound"),
    Row("5.7.230", "inbound"),
    Row("4.7.500", "inbound", through=(("4.7.500", "4.7.699"), ("4.7.850", "4.7.899"))),
    Row("4.7.26", "inbound", codes=("5.7.26",), words=re.compile("(?i)IPv6")),
    Row("5.7.25", "inbound", codes=("4.7.25",), words=re.compile("(?i)IPv6")),
    Row("5.7.504", "inbound", codes=("5.7.505",)),
    Row("5.7.506", "inbound"),
    Row("5.7.507", "inbound", codes=("5.7.513",)),
    Row("5.7.508", "inbound"),
    Row("5.7.509", "inbound"),
    Row("5.7.510", "inbound"),
    Row("5.7.511", "inbound"),
    Row("5.7.512", "inbound"),
    Row("5.7.515", "inbound"),
    Row("5.7.500", "inbound", through=(("5.7.500", "5.7.519"),), wraps=True),
    Row("5.7.606", "inbound", through=(("5.7.606", "5.7.649"),)),
    Row("4.4.4", "inbound", codes=("5.4.4",), words=re.compile("(?i)mail-enabled subscriptions")),
    Row("5.3.190", "inbound"),
    Row("5.2.252", codes=("5.7.60", "5.7.1"), words=re.compile("(?i)send ?as ?denied|permissions? to send (?:as|on behalf)")),
    Row("4.3.2", "inbound", codes=("4.4.4", "4.4.3"), words=re.compile(r"(?i)\bATTR\d")),
    Row("4.7.0", words=re.compile(r"(?i)\bPRX\d|resource forest")),
    Row(PRX, words=re.compile(r"\bPRX\d")),
    Row("4.4.62", "inbound"),
    # recipients in Exchange
    Row("5.1.10"),
    Row("5.1.1", plain=True),
    Row("5.1.0", words=re.compile("(?i)sender denied|RESOLVER")),
    Row("5.2.2", plain=True),
    Row("4.2.2", plain=True),
    Row("5.2.121", "inbound", codes=("5.2.122",)),
    Row("4.3.2 throttled", codes=("4.3.2",), words=re.compile("(?i)recipient thread limit|STOREDRV")),
    Row("5.7.124", codes=("5.7.12", "5.7.13", "5.7.193"), through=(("5.7.123", "5.7.136"),)),
    Row("5.7.1 restricted", codes=("5.7.1",), words=re.compile(r"(?i)RESOLVER\.RST")),
    Row("5.7.1 rule", codes=("5.7.1",), words=re.compile(r"(?i)TRANSPORT\.RULES")),
    Row("5.7.23", words=re.compile("(?i)SPF|sender policy framework")),
    Row("5.4.1 relay", codes=("5.4.1",), words=re.compile("(?i)relay")),
    Row("5.4.1", "inbound", words=re.compile("(?i)recipient address rejected|access denied")),
    # Exchange on premises
    Row("5.4.6", "on-premises", words=re.compile("(?i)hop count exceeded")),
    Row("4.4.397", codes=("4.4.395",), wraps=True),
    Row("4.4.400", codes=("4.4.101",), wraps=True),
    Row(
        "4.7.5 certificate",
        "on-premises",
        codes=("4.7.5",),
        words=re.compile("(?i)TlsCertificateName|UnknownCredentials|send ?connector"),
    ),
)


def row(enhanced: str, said: str) -> Row | None:
    """What is known of a code beside those words; exact codes before ranges, rows with words before those without."""
    for found in _by_code().get(enhanced, ()):
        if not found.words or found.words.search(said):
            return found
    return next((found for found in _ROWS if _reaches(found, enhanced)), None)


def is_submission(enhanced: str, said: str) -> bool:
    """Whether a device or application was refused as it handed a message in, so that nothing was returned."""
    found = row(enhanced, said)
    return found is not None and found.name in ("5.7.57", "5.7.30", "5.7.139")


def named(name: str) -> Row:
    """The row of that name. Raises KeyError."""
    return _by_name()[name]


def rows() -> Iterator[Row]:
    """All of them."""
    return iter(_ROWS)


def is_twin(enhanced: str, said: str) -> bool:
    """Whether it is the form in which expired mail is returned."""
    found = row(enhanced, said)
    return found is not None and enhanced in found.twins


def connects(enhanced: str) -> bool:
    """Whether words beside the code may prove why a server could not be reached: codes of the way there (x.4), of TLS (x.7.32n,
    4.7.0, 4.7.3, 4.7.5 and 5.7.3 as Exchange uses them), and 4.2.1, with which Exchange says that it cannot connect.
    """
    return bool(re.fullmatch(r"[45]\.4\.\d{1,3}|[45]\.7\.32[0-5]|[45]\.7\.(?:0|3|5)|4\.2\.1", enhanced))


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, Row]:
    return {row.name: row for row in _ROWS}


@lru_cache(maxsize=1)
def _by_code() -> Mapping[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for each in sorted(_ROWS, key=lambda row: not row.words):
        for code in dict.fromkeys((each.name.partition(" ")[0], *each.codes, *each.twins)):
            found[code] = (*found.get(code, ()), each)
    return found


def _reaches(found: Row, enhanced: str) -> bool:
    head, _, detail = enhanced.rpartition(".")
    return detail.isdigit() and any(
        head == first.rpartition(".")[0] and int(first.rpartition(".")[2]) <= int(detail) <= int(last.rpartition(".")[2])
        for first, last in found.through
    )
