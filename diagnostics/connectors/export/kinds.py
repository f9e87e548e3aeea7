"""What a row of an export is: told by the properties that only one cmdlet gives, whatever the file is called."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from diagnostics.connectors.connector import Ignored
from diagnostics.connectors.export.csv_rows import TYPE
from diagnostics.connectors.words import say

Kind = Literal["outbound", "inbound", "send", "receive", "accepted-domain", "remote-domain", "rule", "other"]

CMDLETS: Mapping[str, str] = {
    "outbound": "Get-OutboundConnector",
    "inbound": "Get-InboundConnector",
    "send": "Get-SendConnector",
    "receive": "Get-ReceiveConnector",
    "accepted-domain": "Get-AcceptedDomain",
    "remote-domain": "Get-RemoteDomain",
    "rule": "Get-TransportRule",
}
"""By kind: the cmdlet that gives such rows."""


def _names(words: str) -> frozenset[str]:
    return frozenset(words.lower().split())


# Properties as the Exchange PowerShell reference and exports show them. Those that two kinds share are in none of the sets.
_OWN: Mapping[Kind, frozenset[str]] = {
    "inbound": _names(
        "SenderDomains SenderIPAddresses RestrictDomainsToIPAddresses RestrictDomainsToCertificate TlsSenderCertificateName"
        " TreatMessagesAsInternal AssociatedAcceptedDomains TrustedOrganizations ClientHostNames EFSkipIPs EFSkipLastIP"
        " EFSkipMailGateway EFTestMode EFUsers ScanAndDropRecipients"
    ),
    "send": _names(
        "AddressSpaces SourceTransportServers DNSRoutingEnabled SmartHostsString SmartHostAuthMechanism TlsAuthLevel"
        " IgnoreSTARTTLS FrontendProxyEnabled IsSmtpConnector ForceHELO ConnectedDomains LinkedReceiveConnector HomeMTA"
        " HomeMtaServerId SourceRoutingGroup SourceIPAddress UseExternalDNSServersEnabled IsScopedConnector"
        " SmtpMaxMessagesPerConnection CertificateSubject ErrorPolicies"
    ),
    "receive": _names("Bindings RemoteIPRanges PermissionGroups AuthMechanism TransportRole MaxInboundConnection"),
    "accepted-domain": _names("DomainType MatchSubDomains AddressBookEnabled AuthenticationType PendingRemoval InitialDomain"),
    "remote-domain": _names(
        "TargetDeliveryDomain AllowedOOFType AutoReplyEnabled AutoForwardEnabled TNEFEnabled DeliveryReportEnabled"
    ),
    "rule": _names("RouteMessageOutboundConnector RuleVersion Conditions Exceptions SetAuditSeverity StopRuleProcessing"),
    "outbound": _names(
        "RecipientDomains UseMXRecord TlsSettings IsTransportRuleScoped AllAcceptedDomains RouteAllMessagesViaOnPremises"
        " SenderRewritingEnabled TestMode ValidationRecipients IsValidated LastValidationTimestamp SmtpDaneMode MtaStsMode"
        " LinkForModifiedConnector"
    ),
}
_SHARED = _names(
    "Name Identity Id Guid Enabled Comment ConnectorType ConnectorSource CloudServicesMailEnabled SmartHosts TlsDomain RequireTLS"
    " DomainName Default AdminDisplayName DistinguishedName ObjectCategory ObjectClass ObjectState OriginatingServer"
    " OrganizationId OrganizationalUnitRoot ExchangeVersion ExchangeObjectId WhenChanged WhenCreated WhenChangedUTC"
    " WhenCreatedUTC IsValid PSComputerName RunspaceId PSShowComputerName"
)
_STRANGE = 3
"""Properties that no connector has, beside none that only an outbound connector has: then it is something else."""

_TYPES: tuple[tuple[str, Kind], ...] = (
    ("outbound-?connector", "outbound"),
    ("inbound-?connector", "inbound"),
    ("send-?connector|routingsmtpconnector", "send"),
    ("receive-?connector", "receive"),
    ("accepted-?domain", "accepted-domain"),
)
_ON_PREMISES = frozenset({"default", "xpremises"})
"""ConnectorType of a send connector (New-SendConnector); in Exchange Online it is OnPremises or Partner."""


def kind_of(row: object) -> Kind | None:
    """What the row is; None if it may be anything that has a name."""
    if not isinstance(row, dict):
        return None
    named = {str(key).strip().lower(): value for key, value in row.items()}
    if declared := _declared(named):
        return declared
    counts = {kind: len(own & named.keys()) for kind, own in _OWN.items()}
    if "requiretls" in named:
        # the two differ in case alone
        counts["send" if "RequireTLS" in row else "inbound"] += 1
    if str(named.get("connectortype")).lower() in _ON_PREMISES:
        counts["send"] += 1
    # a row that is as much one as the other is not taken for an outbound connector, which stands last
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best]:
        return best
    return "other" if len(named.keys() - _SHARED - {TYPE}) >= _STRANGE else None


def _declared(named: Mapping[str, object]) -> Kind | None:
    """What the file itself says: CIPP's own property, else the name of the .NET type or of the directory's class."""
    said = str(named.get("cippconnectortype") or "").strip().lower()
    if said in ("inbound", "outbound"):
        return "inbound" if said == "inbound" else "outbound"
    types = " ".join(str(named.get(key) or "")[:500] for key in (TYPE, "@odata.type", "objectclass")).lower()
    return next((kind for pattern, kind in _TYPES if re.search(pattern, types)), None)


def named(kinds: Iterable[str]) -> list[str]:
    """Of which cmdlets such rows are, and what they are."""
    return [f"{CMDLETS[kind]} ({say('rows', {'how': kind})})" for kind in kinds if kind in CMDLETS]


def not_used(ignored: Ignored) -> str:
    """The line about entries that are no connectors."""
    cmdlet = CMDLETS.get(ignored.kind, "")
    how = ("one" if ignored.number == 1 else "several") + ("" if cmdlet else "-other")
    facts = {"file": ignored.file, "count": str(ignored.number), "rows": say("rows", {"how": ignored.kind}), "cmdlet": cmdlet}
    return say("not-used", facts | {"how": how})
