"""`SharedTokenBucket`: one rate limit for all processes of a machine that name the same file."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.errors import ConfigError
from beautyspot.files import absolute

from beautyspot_local.folders import mark_when_made
from beautyspot_local.limiter import TokenBucket
from beautyspot_local.rate import checked_workers
from beautyspot_local.shared_file import SharedFile
from beautyspot_local.timeline import Timeline
from beautyspot_local.timeline_limiter import TimelineLimiter

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.contracts import Context


class SharedTokenBucket(TimelineLimiter):
    """A `TokenBucket` for all processes of one machine that name the same file.

    Calls of all these processes wait in one queue, in the order of arrival. Time that a call gives
    back goes to those behind it in its own process, or to the next call of any process that fits.
    A process that dies leaves no lock behind; what it had reserved passes unused. After a restart
    of the machine, or
    when the file was deleted, the limit starts anew.

    An operation takes some microseconds. The file belongs on a local disk: locks of network file
    systems are slow at best, and machines have different clocks.

    Args:
        rate: see `TokenBucket`. All limiters that share the file should have the same rate.
        max_cost: see `TokenBucket`.
        path: the file; it is made, with its directories, if missing. A limiter that is selected by
            name takes ``<name>.limit`` in the Spot's directory.
        burst: see `TokenBucket`.
        workers: how many processes share the file. While it can't be used, each of them keeps its
            share by itself: the rate, and the burst, divided by that.
        clock: a clock that all processes share, in seconds. The monotonic clock of Linux and macOS
            is one.

    Attributes:
        rate: permits per second. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.
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
        super().__init__(rate, max_cost, burst, clock)
        self.workers = checked_workers(workers)
        self._path = _checked_path(path)
        self._file = SharedFile(self._path, self.rate)

    def _reset_after_fork(self) -> None:
        super()._reset_after_fork()
        self._file.close()  # a forked child must not share its parent's lock

    @contextmanager
    def _timeline(self) -> Iterator[Timeline]:
        file = self._file
        with self._alone():
            fd = file.lock()
            try:
                reading = self._clock()
                line = Timeline(reading, self._tolerance)
                file.read(fd, line)
                line.tick(reading)
                yield line
                file.write(fd, line)
            finally:
                file.unlock(fd)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The file ``<name>.limit`` in the Spot's directory."""
        mark_when_made(context.directory)
        return {"path": context.directory / f"{context.name}.limit"}

    def _fresh(self, key: str) -> SharedTokenBucket:
        """The file of a key stands beside this one's, and stays there: some hundred bytes."""
        from hashlib import sha256

        digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        path = self._path.with_name(f"{self._path.name}.keys") / digest
        return SharedTokenBucket(
            self.rate,
            self.max_cost,
            path=path,
            burst=self.burst,
            workers=self.workers,
            clock=self._clock,
        )

    def share(self) -> TokenBucket:
        """This process's share of the rate; see `LimiterBase.share`."""
        return TokenBucket(
            self.rate / self.workers,
            self.max_cost,
            burst=self.burst / self.workers,
            clock=self._clock,
        )

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()


def _checked_path(path: object) -> Path:
    try:
        return absolute(path, "path")  # type: ignore[arg-type]  # tried, not known
    except TypeError as error:
        raise ConfigError(f"path={path!r:.80} is no path: give the file that is shared") from error
