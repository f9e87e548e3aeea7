"""The fault lab: DNS and mail servers on loopback that misbehave in named ways. `Lab` runs a `World`."""

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World, WorldError, load, parse

__all__ = ["Lab", "World", "WorldError", "load", "parse"]
