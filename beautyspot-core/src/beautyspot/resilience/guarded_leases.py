"""The leases of a metadata store as the cache takes them: renewed, watched, and never left held.

A lease of a store that may block is held in a form of ours: a heartbeat renews it, and where it is
dropped it is released. That of another store is the store's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Beginning, Entry, Lease
from beautyspot.contracts.calling import wrong_answer
from beautyspot.errors import MetadataError
from beautyspot.resilience.heartbeat import Heartbeat
from beautyspot.resilience.lease_watcher import LeaseWatcher
from beautyspot.resilience.store_clock import ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from beautyspot.contracts import MetadataStoreBase
    from beautyspot.resilience.circuit_breaker import Breaker

MEANING: Final = (
    "Others may run the same calls meanwhile; the results of these are stored all the same, unless "
    "newer ones are there by then"
)


class StoreLeases:
    """The leases of one store, for all that ask it, behind whatever breakers.

    Args:
        store: the store.
        heard: told the time in an answer, and the ticks when the question was sent.
        releasing: the breaker of releases: a server that hangs is not waited for once more.
        spot: the name of the Spot, for the log.

    Attributes:
        heartbeat: renews those that are held.
        watcher: wakes the calls that wait for one; for stores that may block.
    """

    def __init__(
        self,
        store: MetadataStoreBase,
        heard: Callable[[float, float], object],
        releasing: Breaker,
        spot: str,
    ) -> None:
        self._store = store
        self._heard = heard
        self._releasing = releasing
        self._wraps = store.blocking or store.lease_time < inf
        self.heartbeat = Heartbeat(store, MEANING, spot=spot)
        self.watcher = LeaseWatcher(store)

    def stop(self) -> None:
        """End the threads."""
        self.heartbeat.stop()
        self.watcher.stop()

    def try_lease(self, key: str) -> Lease | None:
        """See `MetadataStoreBase`."""
        lease = self._store.try_lease(key)
        return self._held(lease) if self._wraps and lease is not None else lease

    def begin(self, key: str) -> Beginning | None:
        """See `MetadataStoreBase`.

        Raises:
            MetadataError: the store failed, or gave a wrong answer.
        """
        sent = ticks()
        found: object = self._store.begin(key)
        return None if found is None else self._checked("begin", found, sent)

    def begin_many(self, keys: Collection[str]) -> Mapping[str, Beginning]:
        """The same for several keys."""
        sent = ticks()
        found: object = self._store.begin_many(keys)
        if not isinstance(found, Mapping):
            raise self._wrong("begin_many", found, "a table")
        return {key: self._checked("begin_many", begun, sent) for key, begun in found.items()}

    def _held(self, lease: Lease) -> Lease:
        return self.heartbeat.hold(lease, self._releasing.guarding(lease.release))

    def _checked(self, method: str, found: object, sent: float) -> Beginning:
        if not isinstance(found, Beginning) or not isinstance(found.lease, Lease):
            raise self._wrong(method, found, "a Beginning")
        begun = found._replace(lease=self._held(found.lease)) if self._wraps else found
        what: object = begun.found
        right = what is None or isinstance(what, Entry) or type(what) is tuple
        number, now = begun.generation, begun.now
        is_time = isinstance(now, int | float) and isfinite(now)
        if right and is_time and isinstance(number, int) and number >= 0:
            self._heard(begun.now, sent)
            return begun
        begun.lease.release()
        raise self._wrong(method, found, "a Beginning with its four fields")

    def _wrong(self, method: str, answer: object, what: str) -> MetadataError:
        advice = "return what the contract says"
        return MetadataError(wrong_answer(self._store, method, answer, what, advice))
