"""What a result's id stands for: kept in this process, and in the store where there is one."""

import logging
from collections import OrderedDict

from commands.mistake import CommandError
from diagnostics.store import DoesNotFit, Store, StoredResult, StoreUnavailable

log = logging.getLogger("mailflow")

MAX_RESULTS = 500


class Memory:
    """Results by id. Without a store it lives as long as the process; a result that the store cannot take never fails a check."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._here: OrderedDict[str, StoredResult] = OrderedDict()

    @property
    def here(self) -> tuple[StoredResult, ...]:
        """Those of this process, the oldest first."""
        return tuple(self._here.values())

    async def keep(self, result: StoredResult) -> None:
        self._here[result.id] = result
        while len(self._here) > MAX_RESULTS:
            self._here.popitem(last=False)
        if self._store is not None:
            try:
                await self._store.keep_result(result)
            except (StoreUnavailable, DoesNotFit) as error:
                log.warning("a result was not stored: %s", error)

    async def find(self, id: str) -> StoredResult:
        """The result of that id. Raises CommandError when there is none (any more), or when the store cannot be asked."""
        found = self._here.get(id)
        if found is None and self._store is not None:
            try:
                found = await self._store.result(id)
            except StoreUnavailable as error:
                raise CommandError(f"The store cannot be asked for that result now: {error}. Name the target instead.") from None
        if found is None:
            kept = "" if self._store else " (MAILFLOW_DATABASE_URL names where they are kept)"
            raise CommandError(f"There is no result {id[:40]!r} here (any more){kept}. Name the target instead.")
        return found
