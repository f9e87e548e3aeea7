"""The main path, in one screen.

Words of a person and connectors
→ route.py      Targets: which hosts and domains, under which TLS policy; once, before anything else
→ probes/       DNS, TCP, SMTP, TLS, certificate: evidence of every path; a failed check is a value, never an exception
→ judge.py      one path's verdict under the policy, and whether this machine may be the one at fault (probes/control.py)
→ classify.py   verdict of the target, Microsoft's code, causes and fixes from catalogue/
→ Diagnosis     contract 3, which is also the JSON
"""

import asyncio
from collections.abc import Sequence

from diagnostics.classify import asks_control, classify
from diagnostics.connectors.model import Inventory
from diagnostics.fair import Asker
from diagnostics.model import Diagnosis
from diagnostics.probes.run import OnEvidence, probe_all
from diagnostics.target import Target
from diagnostics.tools import Tools


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
    doubtful = any(asks_control(seen) for seen in observed)
    control = await tools.control.ask() if tools.control and doubtful else None
    is_controlled = tools.control is not None
    results = tuple(
        classify(seen, control, tools.catalogue, tools.new_id(), inventory, is_controlled=is_controlled) for seen in observed
    )
    return Diagnosis(started=started, seconds=round(loop.time() - clock, 3), results=results)
