"""A Postfix of a test's own: its configuration, queue and certificates in a folder, its master in the foreground."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.demo.lab.certificates import Recipe, ca_pem, issue

DAEMONS = "/usr/lib/postfix/sbin"
SERVICES = """
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def postfix(folder: Path, servers: Mapping[str, Recipe | None]) -> Mapping[str, Any]:
    """The daemon of Network.daemons. `servers`: an address each, and its certificate for mail.example.test; None: no TLS.

    Everybody may read the folder, because Postfix's servers run as a user of their own.
    """
    folder.mkdir(mode=0o755)
    queue, data, config = (folder / name for name in ("queue", "data", "config"))
    for directory in (queue, data, config):
        directory.mkdir()
    for part in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "public", "pid"):
        (queue / part).mkdir()
    for owned in (data, *(part for part in queue.iterdir() if part.name != "pid")):
        shutil.chown(owned, "postfix")
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": queue,
        "data_directory": data,
        "daemon_directory": DAEMONS,
        "command_directory": "/usr/sbin",
        "mail_owner": "postfix",
        "setgid_group": "postdrop",
        "myhostname": "mail.example.test",
        "mydestination": "",
        "alias_maps": "",
        "alias_database": "",
        "mynetworks": "",
        "inet_interfaces": ", ".join(servers),
        "maillog_file": "/dev/stdout",
        "smtpd_peername_lookup": "no",
        "smtpd_relay_restrictions": "reject_unauth_destination",
    }
    (config / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()), encoding="utf-8")
    listeners = [_listener(folder, address, recipe) for address, recipe in servers.items()]
    (config / "master.cf").write_text("\n".join(listeners) + SERVICES, encoding="utf-8")
    (folder / "ca.pem").write_bytes(ca_pem())
    return {"argv": [f"{DAEMONS}/master", "-c", str(config), "-d"], "ready": [next(iter(servers)), 25]}


def _listener(folder: Path, address: str, recipe: Recipe | None) -> str:
    line = f"{address}:smtp inet n - n - - smtpd"
    if recipe is None:
        return line + " -o smtpd_tls_security_level=none"
    chain = folder / f"{address}.pem"
    chain.write_bytes(issue(recipe, ("mail.example.test",)).pem())
    return line + f" -o smtpd_tls_security_level=may -o smtpd_tls_chain_files={chain}"


def finger(folder: Path, address: str, level: str) -> list[str]:
    """Postfix's own probe: connects, says EHLO, starts TLS and judges the certificate at a security level."""
    return ["posttls-finger", "-c", "-l", level, "-F", str(folder / "ca.pem"), f"[{address}]", "mail.example.test"]
