"""A tenant of Exchange Online on loopback: token service and admin API behind real HTTPS, which misbehave in named ways.

service   `LabTenant` starts it, ends it, tells what came and what it changed
state     what the tenant holds; who changed what; replication that takes its time
cmdlets   CMDLETS over that state, by Microsoft's names and with their traps
tokens    the token service: secrets and certificate assertions are really checked; its TROUBLES
troubles  TROUBLES of either service: what an answer can be instead of the right one

To add a misbehaviour: a function and a row of TROUBLES, and a line of tests/exchange/test_tenant.py.
"""

from bot.demo.lab.tenant.service import LabTenant
from bot.demo.lab.tenant.tokens import App
from bot.demo.lab.tenant.troubles import Trouble

__all__ = ["App", "LabTenant", "Trouble"]
