"""A `Timeline` that the processes of one machine share: a small file, and a lock on it.

The file is one block of 4096 bytes in the machine's own byte order::

    8s   magic, with the number of the format
    16s  the boot ID: a monotonic clock starts again with the machine, and so does the limit
    d    rate, to tell when two processes disagree
    4d   tat, now, offset, floor
    Q    number of gaps
    2d   for each gap: start, end

The lock is `flock(2)`: it belongs to the open file, excludes other processes and other instances in
this one, and falls when its process dies. The state is read by one `pread` and written by one
`pwrite` of a part of a page, so a process that is killed with the lock held leaves the old state or
the new one. A map would be faster by half a microsecond, but whoever truncates the file would kill
us by SIGBUS; this way a truncated or damaged file is a fresh start with one warning.
"""

from __future__ import annotations

import math
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from beautyspot.errors import ConfigError, NotSupportedError
from beautyspot.files import create
from beautyspot.logs import logger

from beautyspot_local.exclusive import Exclusive
from beautyspot_local.folders import make_private
from beautyspot_local.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC: Final = b"bsrate01"
SIZE: Final = 4096
HEADER: Final = struct.Struct("@8s16sd4dQ")
MAX_GAPS: Final = (SIZE - HEADER.size) // 16

PATIENCE: Final = 1.0
"""Seconds to try for the lock. It is held for microseconds, unless a process is stopped with it."""

POLL: Final = 0.0005
"""Seconds between two tries: never a blocking wait, which would hold up an event loop for good."""

LOOK: Final = 1.0
"""Seconds after which to look whether the path still leads to the file that is open."""


class SharedFile(Exclusive):
    """Gives the timeline at the present time to one thread of one process at a time.

    Args:
        path: the file; made, with its directories, where it is not there.
        rate: permits per second.
        tolerance: see `Timeline`.
        clock: a clock that all processes share, such as `time.monotonic`.

    Raises:
        ConfigError: the file can't be opened or made.
        NotSupportedError: this system has no `flock`.
    """

    def __init__(
        self, path: Path, rate: float, tolerance: float, clock: Callable[[], float]
    ) -> None:
        self._fd: int | None = None
        self._path = path
        self._rate = rate
        self._clock = clock
        self._flock, self._exclusive, self._unlocked = _file_locks()
        self._boot = boot_id()
        self._line = Timeline(clock(), tolerance)
        self._warned = False
        self.reset()
        _alive.add(self)
        try:
            self._open()
        except OSError as error:
            raise ConfigError(
                f"can't open the limiter's file {path} ({error}): give another path="
            ) from error

    def reset(self) -> None:
        """Begin anew in a forked child, which must not share its parent's lock."""
        self._renew()
        self._written = b""
        self._looked = -math.inf
        self._close()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self._close()

    def _begin(self) -> Timeline:
        fd = self._lock_file()
        reading = self._clock()
        self._load(os.pread(fd, SIZE, 0), reading)
        self._line.tick(reading)
        return self._line

    def _end(self, *, failed: bool) -> None:
        self._written = b"" if failed else self._dump()
        if self._fd is not None and self._written:
            os.pwrite(self._fd, self._written, 0)

    # ------------------------------------------------------------------ the lock

    def _open(self) -> int:
        make_private(self._path.parent)
        try:
            self._fd = os.open(self._path, os.O_RDWR)  # not inherited by programs: PEP 446
        except FileNotFoundError:
            self._fd = self._create()
        self._written = b""
        return self._fd

    def _create(self) -> int:
        try:
            return create(self._path, os.O_RDWR)
        except FileExistsError:  # another process was faster
            return os.open(self._path, os.O_RDWR)

    def _lock_file(self) -> int:
        """Lock the file that the path leads to now, and return its descriptor."""
        if time.monotonic() - self._looked > LOOK:
            self._reopen_if_replaced()
        fd = self._open() if self._fd is None else self._fd
        try:
            self._flock(fd, self._exclusive)
        except BlockingIOError:
            self._lock_patiently(fd)
        return fd

    def _lock_patiently(self, fd: int) -> None:
        deadline = time.monotonic() + PATIENCE
        tries = int(PATIENCE / POLL)  # where the clock stands still
        while tries > 0 and time.monotonic() < deadline:
            tries -= 1
            time.sleep(POLL)
            try:
                self._flock(fd, self._exclusive)
            except BlockingIOError:
                continue
            return
        raise TimeoutError(
            f"the limiter's file {self._path} stays locked: a process that uses it is stopped; "
            "let it go on, or end it"
        )

    def _free(self) -> None:
        try:
            if self._fd is not None:
                self._flock(self._fd, self._unlocked)
        finally:
            super()._free()

    def _reopen_if_replaced(self) -> None:
        self._looked = time.monotonic()
        if self._fd is not None and not _same_file(self._fd, self._path):
            self._close()

    # ------------------------------------------------------------------ the state

    def _load(self, data: bytes, reading: float) -> None:
        if self._written and data.startswith(self._written):
            return  # nobody else was here: the timeline in memory is the one in the file
        line = self._line
        try:
            magic, boot, rate, line.tat, line.now, line.offset, line.floor, gaps = (
                HEADER.unpack_from(data)
            )
            numbers = struct.unpack_from(f"@{2 * gaps}d", data, HEADER.size)
        except struct.error:
            self._start_anew(reading, damaged=bool(data))
            return
        line.gaps = list(zip(numbers[::2], numbers[1::2], strict=True))
        times = (line.tat, line.now, line.offset, line.floor, *numbers)
        if magic != MAGIC or not all(map(math.isfinite, times)):
            self._start_anew(reading, damaged=True)
        elif boot != self._boot:
            self._start_anew(reading, damaged=False)
        elif rate != self._rate:
            self._warn(f"is used at {rate:g} permits per second, and here at {self._rate:g}")

    def _start_anew(self, reading: float, *, damaged: bool) -> None:
        self._line = Timeline(reading, self._line.tolerance)
        if damaged:
            self._warn("was damaged, and begins anew")

    def _dump(self) -> bytes:
        line = self._line
        while len(line.gaps) > MAX_GAPS:
            line.gaps.remove(min(line.gaps, key=lambda gap: gap[1] - gap[0]))
        numbers = [number for gap in line.gaps for number in gap]
        times = (line.tat, line.now, line.offset, line.floor)
        header = HEADER.pack(MAGIC, self._boot, self._rate, *times, len(line.gaps))
        return header + struct.pack(f"@{len(numbers)}d", *numbers) if numbers else header

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("the limiter's file %s %s", self._path, what)


def boot_id() -> bytes:
    """16 bytes that are others after the machine was started again; zeros where none are known.

    Without them (no Linux) a clock that started again counts as one that was turned back: time
    goes on from where it was.
    """
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        return bytes.fromhex(text.strip().replace("-", ""))
    except (OSError, ValueError):
        return bytes(16)


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _file_locks() -> tuple[Callable[[int, int], None], int, int]:
    try:
        import fcntl
    except ImportError as error:
        raise NotSupportedError(
            "a limit shared by processes needs the file locks of Unix (flock): use the limiter "
            "'gcra', and give each process its part of the rate"
        ) from error
    return fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN


_alive: WeakSet[SharedFile] = WeakSet()


def _reset_all() -> None:
    for file in _alive:
        file.reset()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
