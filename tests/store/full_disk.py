"""On a disk of a megabyte, alone there: python full_disk.py full|read-only FOLDER."""

import asyncio
import contextlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.store import Store, StoreFault, StoreUnavailable, StoreUnwritable
from diagnostics.store.opening import open_store
from tests.store.factories import MINUTE, NOW, entry, fix, result


async def full(folder: Path) -> None:
    filler = folder / "filler"
    kept = 0
    async with open_store(f"sqlite:///{folder}/store.db") as store:
        filler.write_bytes(b"x" * 300_000)
        await store.add_fix(fix(), entry("0"))
        await store.take_fix("f-1", owner="one", states=[fix().state], now=NOW, lease=MINUTE, grace=MINUTE)
        while await has_room(store, kept):
            kept += 1
        assert kept > 3
        assert await store.result(f"r-{kept - 1}"), "what was there can still be read"
        assert not await store.result(f"r-{kept}")
        saved = 0
        while await can_save(store, saved + 1):
            saved += 1
        with pytest.raises(StoreUnwritable, match="the disk is full"):
            await store.ping()
        held = await store.fix("f-1")
        assert held
        assert held.document == (str(saved) if saved else fix().document), "with its line or not at all"
        assert [line.event for line in await store.audit()] == [str(n) for n in range(saved + 1)]
        filler.unlink()
        await store.ping()
        await store.keep_result(result(f"r-{kept}"))
        assert await store.result(f"r-{kept}"), "with room again it goes on"
        assert await can_save(store, saved + 1)
        assert [line.event for line in await store.audit()] == [str(n) for n in range(saved + 2)]
    with filler.open("ab", buffering=0) as more, contextlib.suppress(OSError):
        while more.write(b"x" * 4096):
            pass
    await refused(f"sqlite:///{folder}/another.db", "the disk is full; make room", passing=True)


async def has_room(store: Store, number: int) -> bool:
    try:
        await store.keep_result(replace(result(f"r-{number}"), transcript="x" * 10_000))
    except StoreUnavailable as error:
        if str(error) != "the disk is full":
            raise
        return False
    return True


async def can_save(store: Store, number: int) -> bool:
    """A fix that has room, with a line that has none."""
    line = replace(entry(str(number)), detail="x" * 20_000)
    try:
        return await store.save_fix(
            "f-1", owner="one", fence=1, state="running", document=str(number), now=NOW, lease=MINUTE, entry=line
        )
    except StoreUnavailable as error:
        if str(error) != "the disk is full":
            raise
        return False


async def refused(url: str, says: str, *, passing: bool) -> None:
    with pytest.raises(StoreFault, match=re.escape(says)) as caught:
        async with open_store(url):
            pass
    assert caught.value.passing == passing


async def read_only(folder: Path) -> None:
    url = f"sqlite:///{folder}/store.db"
    async with open_store(url) as store:
        await store.keep_result(result())
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    await refused(url, "cannot be written (Read-only file system): give this user the right", passing=False)
    subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)
    async with open_store(url) as store:
        assert await store.claim("event", "Ev1", at=NOW)


if __name__ == "__main__":
    what, where = sys.argv[1:]
    asyncio.run({"full": full, "read-only": read_only}[what](Path(where)))
