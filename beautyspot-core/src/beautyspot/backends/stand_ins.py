"""Stand-ins for a backend that could not be reached when the Spot was made.

An outage at that moment is no reason to stop the user's program: the stand-in takes the backend's
place, tries to make it again when it is asked for something, with the pauses of a circuit breaker,
and hands everything on once that has worked. Whoever makes the backend also closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase, MetadataStoreBase
from beautyspot.resilience.circuit_breaker import SLOW, Breaker, MetadataResting, Resting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot.contracts import Backend, Entry, Lease, Plain, Reservation, TaskRecord, Totals

B = TypeVar("B", bound="Backend")


class Maker(Generic[B]):
    """Makes a backend as soon as that is possible, once.

    Args:
        make: makes it, or raises.
        breaker: says when to try again.
        error: what the first try, made by the caller, raised.
    """

    def __init__(self, make: Callable[[], B], breaker: Breaker, error: Exception) -> None:
        self._make = make
        self._breaker = breaker
        self._first: Exception | None = error
        self._made: B | None = None
        self._closed = False
        self._lock = locks.reentrant()
        reset_in_children(self)
        breaker.leave(breaker.enter() - 2 * SLOW, error)  # one failure is enough: it may take long

    def reset_after_fork(self) -> None:
        """Another thread may have been making it: the child does so itself."""
        self._lock = locks.reentrant()
        self._breaker.reset_after_fork()

    def backend(self) -> B:
        """The backend.

        Raises:
            Exception: it could not be made; `Resting` where it is not tried at the moment.
        """
        if self._made is None:
            with self._lock:
                made = self._made or self._try()
                self._made = self._made or made  # the first, where a handler has made one as well
        return self._made

    def _try(self) -> B:
        first, self._first = self._first, None
        try:
            return self._breaker(self._make)
        except Resting:
            if first is None:
                raise
            raise first from None  # nobody has heard of it yet


class LateStore(MetadataStoreBase):
    """Stands in for a metadata store.

    Args:
        cls: the class of the store, which tells what it can do.
        make: makes the store, or raises.
        error: what the first try raised.
    """

    name = "late"

    def __init__(
        self, cls: type[Backend], make: Callable[[], MetadataStoreBase], error: Exception
    ) -> None:
        self._maker = Maker(
            make, Breaker(f"the metadata store {cls.name!r}", MetadataResting), error
        )
        leases = getattr(cls, "leases", False)
        vars(self).update(name=cls.name, blocking=cls.blocking, leases=leases)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.name!r}>"

    def open(self) -> None:
        """See the base class."""
        self._maker.backend().open()

    @property
    def store_id(self) -> str:
        """See the base class."""
        return self._maker.backend().store_id

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        return self._maker.backend().get(key)

    def find(self, key: str) -> Plain | Entry | None:
        """See the base class."""
        return self._maker.backend().find(key)

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """See the base class."""
        return self._maker.backend().find_many(keys)

    def totals(self) -> Totals:
        """See the base class."""
        return self._maker.backend().totals()

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """See the base class."""
        return self._maker.backend().scan(
            func_identifier=func_identifier, version=version, tag=tag, with_data=with_data
        )

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        self._maker.backend().put(record)

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """See the base class."""
        self._maker.backend().put_many(records)

    def delete(self, key: str) -> bool:
        """See the base class."""
        return self._maker.backend().delete(key)

    def touch(self, used: Mapping[str, float]) -> None:
        """See the base class."""
        self._maker.backend().touch(used)

    def try_lease(self, key: str) -> Lease | None:
        """See the base class."""
        return self._maker.backend().try_lease(key)


class LateLimiter(LimiterBase):
    """Stands in for a limiter, until which is there nothing is limited; see `LateStore`."""

    name = "late"

    def __init__(
        self, cls: type[Backend], make: Callable[[], LimiterBase], error: Exception
    ) -> None:
        self._maker = Maker(make, Breaker(f"the limiter {cls.name!r}"), error)
        vars(self).update(
            name=cls.name, blocking=cls.blocking, shared=getattr(cls, "shared", False)
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.name!r}>"

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """See the base class."""
        return self._maker.backend().reserve(cost, max_wait=max_wait)

    def release(self, reservation: Reservation) -> None:
        """See the base class."""
        self._maker.backend().release(reservation)

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """See the base class."""
        self._maker.backend().settle(reservation, real_cost)

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """See the base class."""
        return self._maker.backend().reserve_after(cost, seconds, max_wait=max_wait)

    def remaining(self, reservation: Reservation) -> float:
        """See the base class."""
        return self._maker.backend().remaining(reservation)

    def pause(self, seconds: float) -> None:
        """See the base class."""
        self._maker.backend().pause(seconds)

    def twin(self, key: str) -> LimiterBase:
        """See the base class."""
        return self._maker.backend().twin(key)

    def busy_for(self) -> float:
        """See the base class."""
        return self._maker.backend().busy_for()

    def wait_for(self, cost: float = 1) -> float:
        """See the base class."""
        return self._maker.backend().wait_for(cost)

    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """See the base class."""
        return self._maker.backend().consume(cost, timeout=timeout)

    async def consume_async(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """See the base class."""
        return await self._maker.backend().consume_async(cost, timeout=timeout)

    def try_consume(self, cost: float = 1) -> bool:
        """See the base class."""
        return self._maker.backend().try_consume(cost)
