"""Entries of Microsoft's list of addresses."""

MAIL = {
    "id": 10,
    "serviceArea": "Exchange",
    "urls": ["*.mail.protection.outlook.com", "*.mx.microsoft"],
    "ips": ["40.92.0.0/15", "2a01:111:f400::/48"],
    "tcpPorts": "25",
}
WEB = MAIL | {"id": 9, "urls": ["*.protection.outlook.com"], "ips": ["52.238.78.88/32"], "tcpPorts": "443"}
