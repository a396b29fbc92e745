"""`SharedTokenBucket`: rate limits for all processes of one machine, by a small file."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts import Grant, LimiterBase, Rate, Schedule
from beautyspot.errors import ConfigError
from beautyspot.files import absolute

from beautyspot_local.folders import mark_when_made
from beautyspot_local.rate import checked_workers, parse_rate
from beautyspot_local.shared_file import SharedFile, digest_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from beautyspot.contracts import Context


class SharedTokenBucket(LimiterBase):
    """A `TokenBucket` for all processes of one machine that name the same file.

    Args:
        rate, max_cost, burst: as of `TokenBucket`. All processes should give the same.
        path: the file; made where it is not there. By default ``<name>.limit`` in the Spot's
            directory. What is limited by key has a file of its own beside it.
        workers: how many processes share the file. While it can't be used, each of them keeps its
            share by itself: the rate, and the burst, divided by that.
        clock: a clock that all processes share, in seconds. The monotonic clock of Linux and macOS
            is one.

    Attributes:
        rate: permits per second. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.
        burst: see above. Not to be assigned.
        workers: see above. Not to be assigned.

    Raises:
        ConfigError: an argument is unreadable or out of its range, or the file can't be opened.
        NotSupportedError: this system has no file locks (Windows).
        TimeoutError: from any operation: a stopped process holds the lock.
    """

    name: ClassVar[str] = "gcra-shared"
    blocking: ClassVar[bool] = False
    shared: ClassVar[bool] = True

    def __init__(
        self,
        rate: str | float,
        max_cost: float | None = None,
        *,
        path: str | os.PathLike[str],
        burst: float = 0.0,
        workers: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            file = absolute(path, "path")
        except TypeError as error:
            raise ConfigError(
                f"path={path!r:.80} is no path: give the file that is shared"
            ) from error
        limits = {"rate": parse_rate(rate, max_cost, burst)}
        self._set_up(limits, file, checked_workers(workers), clock)

    def _set_up(
        self, limits: Mapping[str, Rate], path: Path, workers: float, clock: Callable[[], float]
    ) -> None:
        self.limits, self.workers = limits, workers
        self.rate, self.max_cost, self.burst = next(iter(limits.values()))
        self._path, self._clock = path, clock
        self._file = SharedFile(path)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The file ``<name>.limit`` in the Spot's directory."""
        mark_when_made(context.directory)
        return {"path": context.directory / f"{context.name}.limit"}

    @classmethod
    def together(cls, limits: Mapping[str, Any]) -> LimiterBase | None:
        """One limiter of all of these limits; None where they lie in several files."""
        first = next(iter(limits.values()))
        if len({one._path for one in limits.values()}) > 1:
            return None
        joint = cls.__new__(cls)
        rates = {name: one.limits["rate"] for name, one in limits.items()}
        joint._set_up(rates, first._path, max(o.workers for o in limits.values()), first._clock)
        return joint

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what was granted ends, in seconds of the clock."""
        with self._schedule("") as (schedule, now):
            return max(schedule.ends[next(iter(self.limits))], now)

    @contextmanager
    def _schedule(self, key: str) -> Iterator[tuple[Schedule, float]]:
        """The schedule of a key, and the time, for one process at a time."""
        schedule = Schedule(self.limits)
        file, paused = self._file, -math.inf
        if key:
            with self._schedule("") as (whole, now):
                whole.tick(now)
                paused = whole.until
            folder = self._path.with_name(f"{self._path.name}.keys")
            file = SharedFile(folder / digest_of(key).hex())
        try:
            with file.locked(schedule):
                now = self._clock()
                if schedule.made == -math.inf:
                    schedule.made = now
                schedule.tick(now)
                schedule.until = max(schedule.until, paused)
                yield schedule, now
        finally:
            if key:
                file.close()

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """See `LimiterBase.take`."""
        with self._schedule(key) as (schedule, now):
            return schedule.take(asked, now, key)

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """See `LimiterBase.give_back`."""
        with self._schedule(grant.key) as (schedule, now):
            schedule.give_back(grant, real, now)

    def hold(self, seconds: float, key: str = "") -> None:
        """See `LimiterBase.hold`."""
        with self._schedule(key) as (schedule, now):
            schedule.pause(seconds, now)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()
