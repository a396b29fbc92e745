"""`SizeLimit`: keeps a store under the setting `max_size`, in a thread behind the calls.

What this process stores is counted, and nothing else is done at a save. After a twentieth of the
limit, and ten minutes after the last look, a thread asks the store how much it holds. Where that is
over the limit, it removes what was not used for the longest time, down to nine tenths. One process
does that at a time, under a lease of its own.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred
from beautyspot.contracts.listing import totals_of
from beautyspot.logs import logger
from beautyspot.results.pruning import Limits, prune

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from beautyspot.results.cache import Cache

INTERVAL: Final = 600.0
"""Seconds after which the next save has the store looked at, however little was stored."""

GRACE: Final = 10.0
"""Seconds for which a result stays that was just made or found."""

LEASE: Final = b"max_size".hex().ljust(32, "0")
"""The key of the lease under which one process does it; no call has it."""


class SizeLimit:
    """The limit of one Spot.

    Args:
        most: bytes of all results.
        cache: the results.
        write_uses: writes when this process last found results.
        is_closed: whether the Spot was shut down.
        holding: a context in which the store stays open all the same.
    """

    __slots__ = (
        *("_cache", "_checks", "_due", "_grown", "_holding", "_is_closed", "_most", "_step"),
        "_write_uses",
    )

    def __init__(
        self,
        most: int,
        cache: Cache,
        write_uses: Callable[[], object],
        *,
        is_closed: Callable[[], bool],
        holding: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._most = most
        self._step = most // 20
        self._cache = cache
        self._write_uses = write_uses
        self._is_closed = is_closed
        self._holding = holding
        self._grown = 0
        self._due = 0.0  # the first save has it looked at: other processes have stored before
        self._checks = False

    def note(self, size: int) -> None:
        """Note that so many bytes were stored; the store is looked at where it is time."""
        self._grown += size
        if (self._grown > self._step or monotonic() >= self._due) and not self._checks:
            self._checks = True
            self._grown, self._due = 0, monotonic() + INTERVAL
            deferred.later(self._check)

    def reset_after_fork(self) -> None:
        """The thread stayed in the parent."""
        self._checks = False

    def _check(self) -> None:
        try:
            with self._holding():
                if not self._is_closed():
                    self._keep()
        except Exception as error:
            if not self._is_closed():
                self._say(error)
        finally:
            self._checks = False

    def _say(self, error: Exception) -> None:
        reporter, operation = self._cache.reporter, "keep the store under max_size"
        try:
            advice = "It grows until that is mended: mend the store, or call spot.prune(max_size=…)"
            reporter.report(operation, "", error, advice)
        except Exception:  # it is strict, and nobody waits for this thread
            logger.warning("%s: could not %s: %r", reporter.spot, operation, error)

    def _keep(self) -> None:
        cache, leases = self._cache, self._cache.leases
        size = totals_of(cache.store.real).size
        if size <= self._most or LEASE not in leases.begin([LEASE], {}).leased:
            return  # there is room, or another process makes it
        try:
            self._write_uses()
            goal = self._most * 9 // 10
            pruned = prune(cache, Limits(max_size=goal, grace=GRACE), stops=self._is_closed)
        finally:
            leases.release(LEASE)
        reporter, left = cache.reporter, totals_of(cache.store.real).size
        logger.info(
            "%s: %d results of %d bytes were removed, to keep the store under max_size",
            *(reporter.spot, pruned.evicted, pruned.size),
        )
        if left <= self._most or pruned.size >= size - goal or self._is_closed():
            return  # what is over the limit was stored meanwhile, and is seen the next time
        self._due = monotonic() + GRACE  # what stayed is older then
        reporter.once(
            "max_size",
            f"max_size={self._most} is too small: what was stored or used in the last {GRACE:.0f} "
            f"seconds takes more ({left} bytes are left). Raise max_size",
        )
