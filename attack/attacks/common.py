"""What attacks share."""

from attack.peers.sound import SILENT
from attack.service import Json

ATTACKER = 0
"""The first of the people who attack; the watcher's bystanders are others."""


def silent(number: int) -> str:
    """An address that takes no SYN; there are 65,000."""
    return SILENT.format(number // 250, number % 250 + 1)


def connector(name: str, *hosts: str, domain: str = "") -> Json:
    """As Get-OutboundConnector exports it."""
    return {
        "Name": name,
        "Guid": f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012}",
        "Enabled": True,
        "ConnectorType": "OnPremises",
        "SmartHosts": list(hosts),
        "RecipientDomains": [domain] if domain else [],
        "TlsSettings": None,
        "TlsDomain": None,
        "UseMXRecord": False,
    }
