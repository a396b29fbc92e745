"""`Finding`: how one Spot asks its store what is stored.

A look-up that may wait goes on trying while the store is locked. Where a look-up is a way to a
server and back, those that are made at once share one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from beautyspot.concurrency.waiting import TimeBudget
from beautyspot.contracts import Entry, MetadataStoreBase, Plain, entry_of, lacks_data
from beautyspot.contracts.calling import wrong_answer
from beautyspot.errors import BlobNotFound, MetadataBusyError, MetadataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.circuit_breaker import Breaker
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.results.task_lookups import TaskLookups

T = TypeVar("T")

BUSY_WAIT: Final = 1.0
"""Seconds for which a look-up that may wait goes on trying while the store is locked."""


def while_locked(ask: Callable[[], T]) -> T:
    """What `ask` gives; it is asked again, for `BUSY_WAIT`, while the store is locked.

    Raises:
        MetadataBusyError: it stays so.
    """
    budget, pause = TimeBudget(BUSY_WAIT), 0.001
    while True:
        try:
            return ask()
        except MetadataBusyError:
            if budget.left() < pause:
                raise
        time.sleep(budget.spend(pause))
        pause = min(pause * 2, 0.05)


class Finding:
    """Looks up entries. To the breaker, what is tried for `BUSY_WAIT` is one operation.

    Attributes:
        find: what the store's `find` gives; it may wait.
        tasks: the look-ups of tasks; None where these are not gathered.
    """

    def __init__(self, metadata: GuardedStore, breaker: Breaker) -> None:
        self._metadata = metadata
        self.find = self._find_alone = breaker.guarding(self._wait_and_find)
        self._find_many = breaker.guarding(self._wait_and_find_many)
        self.tasks: TaskLookups[Plain | Entry] | None = None
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Forget the look-ups of the parent's threads and tasks."""
        store = self._metadata.real
        if not store.blocking or type(store).find_many is MetadataStoreBase.find_many:
            return  # to ask for many at once would be no faster
        from beautyspot.results.gathering import ThreadLookups  # not for SQLite, nor in memory
        from beautyspot.results.task_lookups import TaskLookups

        self.tasks = TaskLookups(self._find_alone, self.find_many)
        self._find_gathered = ThreadLookups(self._find_alone, self.find_many).find
        self.find = self._find_in_full

    def look(self, key: str) -> Plain | Entry | Exception | None:
        """What `find` gives, or raises."""
        try:
            return self.find(key)
        except Exception as error:
            return error

    def find_many(self, keys: list[str]) -> Mapping[str, Plain | Entry]:
        """What the store's `find_many` gives; it may wait."""
        found: object = self._find_many(keys)
        if isinstance(found, Mapping):
            return found
        advice = "return what `find` gives, by key"
        store = self._metadata.real
        raise MetadataError(wrong_answer(store, "find_many", found, "a table", advice))

    def _find_in_full(self, key: str) -> Plain | Entry | None:
        found = self._find_gathered(key)
        if isinstance(found, Entry) and lacks_data(found):  # as that of a batch may
            return self._find_alone(key)
        return found

    def _wait_and_find(self, key: str) -> Plain | Entry | None:
        try:
            return self._metadata.find_now(key)
        except MetadataBusyError:
            return while_locked(partial(self._metadata.find_now, key))

    def _wait_and_find_many(self, keys: list[str]) -> Mapping[str, Plain | Entry]:
        return while_locked(partial(self._metadata.find_many_now, keys))


def replaced(store: GuardedStore, key: str, entry: Entry) -> Entry:
    """What has taken the place of an entry whose blob is gone, as by another machine.

    Raises:
        BlobNotFound: nothing has.
    """
    record = store.get(key)  # asks the store, where `find` may remember
    if record is None or record.result_value == entry.result_value:
        raise BlobNotFound("its blob is gone, and no other result has taken its place")
    return entry_of(record)
