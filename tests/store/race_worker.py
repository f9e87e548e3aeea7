"""One of several processes that do the same at the same moment: python race_worker.py OWNER URL…

Each line of input, `WHAT URL`, is one race; printed is a line with the ids that this process won.
"""

import asyncio
import hashlib
import sys

from diagnostics.store import LEASE, Store
from diagnostics.store.opening import open_store
from tests.store.factories import DAY, NOW, answer, entry, fix, watch

IDS = [f"id-{n}" for n in range(50)]


def own_order(owner: str) -> list[str]:
    """In the same order, whoever is ahead would win them all."""
    return sorted(IDS, key=lambda id: hashlib.sha256(f"{owner} {id}".encode()).digest())


async def claims(store: Store, owner: str) -> list[str]:
    ids = own_order(owner)
    won = await asyncio.gather(*(store.claim("event", id, at=NOW) for id in ids))
    return [id for id, mine in zip(ids, won, strict=True) if mine]


async def answers(store: Store, owner: str) -> list[str]:
    won = []
    while taken := await store.take_unfinished(owner, now=NOW + LEASE, limit=7):
        won += [a.id for a in taken if await store.finish_answer(a.id, owner=owner, now=NOW)]
    return won


async def watches(store: Store, owner: str) -> list[str]:
    won = []
    while taken := await store.take_due_watches(owner, now=NOW + DAY, limit=7):
        won += [w.id for w in taken if await store.put_off(w.id, owner=owner, due=NOW + 2 * DAY, last="")]
    return won


async def ends(store: Store, owner: str) -> list[str]:
    ids = own_order(owner)
    told = [store.end_watch(id, told=True, now=NOW, answer=answer(f"{id}-{owner}"), owner=owner) for id in ids]
    return [id for id, mine in zip(ids, await asyncio.gather(*told), strict=True) if mine]


async def taken(store: Store, owner: str, ids: list[str]) -> list[bool]:
    takes = [store.take_fix(id, owner=owner, states=["awaiting-approval"], now=NOW, lease=LEASE, grace=LEASE) for id in ids]
    return [fix is not None for fix in await asyncio.gather(*takes)]


async def fixes(store: Store, owner: str) -> list[str]:
    ids = own_order(owner)
    return [id for id, mine in zip(ids, await taken(store, owner, ids), strict=True) if mine]


async def connectors(store: Store, owner: str) -> list[str]:
    """A fix of its own for each connector, beside those of the other processes."""
    ids = own_order(owner)
    for id in ids:
        await store.add_fix(fix(f"{id}-{owner}", guid=f"connector of {id}"), entry(fix=f"{id}-{owner}"))
    won = await taken(store, owner, [f"{id}-{owner}" for id in ids])
    return [id for id, mine in zip(ids, won, strict=True) if mine]


RACES = {
    "claims": claims,
    "answers": answers,
    "watches": watches,
    "ends": ends,
    "fixes": fixes,
    "connectors": connectors,
}


async def prepare(url: str) -> None:
    async with open_store(url) as store:
        for id in IDS:
            await store.begin_answer(answer(id), owner="dead", now=NOW)
            await store.add_watch(watch(id, word=id), now=NOW)
            await store.add_fix(fix(id, guid=id), entry(fix=id))


async def main(owner: str) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        what, url = line.split()
        async with open_store(url) as store:
            if what == "opening":
                await store.ping()
                print(owner, flush=True)
                continue
            print("ready", flush=True)
            sys.stdin.readline()
            print(*await RACES[what](store, owner), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
