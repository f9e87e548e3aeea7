"""The addresses that Microsoft 365 sends mail from, in the one place where they stand. Pure; standard library only.

Shipped with their version, and read anew by `service.py` where Microsoft's endpoints web service can be asked
(learn.microsoft.com/microsoft-365/enterprise/microsoft-365-ip-web-service).
"""

import ipaddress
import json
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

_MAIL = frozenset({"*.mail.protection.outlook.com", "*.mx.microsoft"})
_WIDEST = {4: 10, 6: 32}
"""Bits of the shortest prefix that is believed: whoever follows the list opens a firewall for it."""

MAX_NETWORKS = 100

RELAY_POOL = "40.95.0.0/16"
"""Mail that Microsoft 365 only passes on leaves from there, and no published list has it."""


class EndpointsFault(ValueError):
    """Not the list that was asked for, and why."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Networks in CIDR form, in Microsoft's order, and the version of the list (YYYYMMDDNN)."""

    version: str
    networks: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.networks)


def select(entries: object, version: str) -> Ranges:
    """The networks of the entries for mail, by port 25 and by their names: ids have changed before. Raises EndpointsFault."""
    if not re.fullmatch(r"20[0-9]{8}", version):
        raise EndpointsFault("the version is no version")
    if not isinstance(entries, list):
        raise EndpointsFault("no list of entries")
    found = [network for entry in entries if _is_mail(entry) for network in _networks(entry["ips"])]
    if not found or len(found) > MAX_NETWORKS:
        raise EndpointsFault(f"{len(found)} networks for mail")
    return Ranges(version, tuple(dict.fromkeys(found)))


def _is_mail(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("ips"), list) or not isinstance(entry.get("urls"), list):
        return False
    ports = entry.get("tcpPorts")
    return isinstance(ports, str) and "25" in ports.replace(" ", "").split(",") and any(u in _MAIL for u in entry["urls"])


def _networks(ips: list[Any]) -> list[str]:
    networks = []
    for text in ips:
        try:
            network = ipaddress.ip_network(str(text))
        except ValueError:
            raise EndpointsFault("an address that is none") from None
        if not network.is_global or network.prefixlen < _WIDEST[network.version]:
            raise EndpointsFault(f"{network} cannot be Microsoft's")
        networks.append(str(network))
    return networks


def _shipped() -> Ranges:
    document = json.loads(resources.files(__package__).joinpath("exchange.json").read_text("utf-8"))
    return select(document["entries"], document["version"])


SHIPPED = _shipped()
