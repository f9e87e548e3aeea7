"""DNS answers of 64 KiB over TCP, in the forms that take longest to read."""

import asyncio
from functools import partial

from attack.attacks.common import ATTACKER
from attack.peers.big_answers import BIG, ZONE_OF
from attack.report import Case, Figures
from attack.stage import opened
from attack.watcher import watching


def attack(transport: str, *, short: bool) -> list[Case]:
    """Each form by itself; in the short form all at once."""
    kinds = [tuple(BIG)] if short else [(kind,) for kind in BIG]
    return [partial(_asked, transport, group) for group in kinds]


async def _asked(transport: str, kinds: tuple[str, ...]) -> Figures:
    async with opened(transport) as stage:
        async with watching(stage, f"DNS of 64 KiB: {kinds[0] if len(kinds) == 1 else 'all forms'}") as watcher:
            await asyncio.sleep(1)
            asked = [stage.ask(ATTACKER + n, f"check domain:{ZONE_OF[kind]}") for n, kind in enumerate(kinds * 2)]
            asked += [stage.ask(ATTACKER + n, f"check {ZONE_OF[kind]}") for n, kind in enumerate(kinds)]
            await stage.all_answered(90, asked)
        return watcher.figures
