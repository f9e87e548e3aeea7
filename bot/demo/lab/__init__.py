"""The fault lab: DNS and mail servers on loopback that misbehave in named ways. `Lab` runs a `World`, read from TOML.

world         the format: names, mail servers, connectors, what a check of them shall say
lab           starts a world and ends it; files for the settings; what came to whom
nameserver    the resolver; answers: its MISBEHAVIOURS
mailserver    the mail servers; their BEHAVIOURS by phase: banners, dialogues (EHLO to STARTTLS), handshakes
manners       the good server that behaviours change a step of; talk: one connection, byte by byte
certificates  RECIPES of sound and broken certificates; contexts: OpenSSL with them
tenant        token service and admin API of Exchange Online, over HTTPS; its TROUBLES

To add a behaviour: a function and a row of its table, and a judge in tests/lab, which walks the tables.
"""

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World, WorldError, load, parse

__all__ = ["Lab", "World", "WorldError", "load", "parse"]
