"""The main path, in one screen.

Words of a person and connectors
→ route.py      Targets: which hosts and domains, under which TLS policy; once, before anything else
→ probes/       DNS, TCP, SMTP, TLS, certificate: evidence of every path; a failed check is a value, never an exception
→ judge.py      one path's verdict under the policy
→ vantage.py    whether this machine may be the one at fault, by what the control host shows (probes/control.py)
→ classify.py   verdict of the target, Microsoft's code, causes and fixes from catalogue/
→ Diagnosis     contract 3, which is also the JSON
"""

import asyncio
from collections.abc import Sequence

from diagnostics.classify import classify, doubt_of
from diagnostics.connectors.connector import Inventory
from diagnostics.fair import Asker
from diagnostics.model import Diagnosis
from diagnostics.probes.run import Observed, OnEvidence, probe_all
from diagnostics.target import Target
from diagnostics.tools import Tools
from diagnostics.vantage import Vantage, passed, to_ask_over

TOGETHER = 32
"""Targets that are judged before others have a turn: 6 ms."""


async def diagnose(
    targets: Sequence[Target],
    inventory: Inventory,
    tools: Tools,
    on_evidence: OnEvidence,
    *,
    asker: Asker = Asker(),  # noqa: B008 (frozen)
    fresh: bool = False,
) -> Diagnosis:
    """Check the targets, in their order.

    Without `fresh` an answer of the last ten seconds counts, and the result says how old it is. `asker` shares the machine with
    others; what their `charge` raises comes through, and then nothing that no connector lists was dialled.
    """
    loop = asyncio.get_running_loop()
    started, clock = tools.instruments.now(), loop.time()
    observed = await probe_all(targets, tools.instruments, on_evidence, asker=asker, fresh=fresh)
    vantage = await _vantage(observed, tools)
    results = []
    for seen in observed:
        results.append(classify(seen, vantage, tools.catalogue, tools.new_id(), inventory))
        if len(results) % TOGETHER == 0:
            await asyncio.sleep(0)  # 500 in one go keep the loop from everybody else for 90 ms
    return Diagnosis(started=started, seconds=round(loop.time() - clock, 3), results=tuple(results))


async def _vantage(observed: Sequence[Observed], tools: Tools) -> Vantage:
    """What this run shows of the machine itself. The control host is asked only where a claim hangs on it (contract 4)."""
    host = tools.control
    if host is None:
        return Vantage()
    doubts = [doubt_of(seen) for seen in observed]
    if not any(d.control or d.families for d in doubts):
        return Vantage(is_controlled=True)
    got_through = passed(evidence for seen in observed for evidence in seen.evidence)
    control = await host.ask(anew=any(d.anew for d in doubts)) if any(d.control for d in doubts) else None
    asked = to_ask_over((version for d in doubts for version in d.families), got_through, control)
    over = {version: answer for version in asked if (answer := await host.ask_over(version))}
    return Vantage(control, over, got_through, is_controlled=True)
