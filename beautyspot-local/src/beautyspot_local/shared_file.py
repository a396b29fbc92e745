"""A `Timeline` that the processes of one machine share: a small file, and a lock on it.

The file is one block of 4096 bytes in the machine's own byte order::

    8s   magic, with the number of the format
    16s  the boot ID: a monotonic clock starts again with the machine, and so does the limit
    d    rate, to tell when two processes disagree
    5d   tat, now, offset, floor, carry
    Q    number of gaps
    2d   for each gap: start, end

The lock is `flock(2)`: it belongs to the open file, excludes other processes and other instances in
this one, and falls when its process dies. The state is read by one `pread` and written by one
`pwrite` of a part of a page, so a process that is killed with the lock held leaves the old state or
the new one. A memory map would be faster by half a microsecond, but truncating the file would kill
the process by SIGBUS. This way a truncated or damaged file is a fresh start with one warning.
"""

from __future__ import annotations

import math
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beautyspot.errors import ConfigError, NotSupportedError
from beautyspot.logs import logger

from beautyspot_local.folders import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_local.timeline import Timeline

MAGIC: Final = b"bsrate02"
SIZE: Final = 4096
HEADER: Final = struct.Struct("@8s16sd5dQ")
MAX_GAPS: Final = (SIZE - HEADER.size) // 16

LOCK_TIMEOUT: Final = 1.0
"""Seconds to try for the lock. It is held for microseconds, unless a process is stopped with it."""

POLL: Final = 0.0005
"""Seconds between two tries: never a blocking wait, which would hold up an event loop for good."""

LOOK: Final = 1.0
"""Seconds after which to look whether the path still leads to the file that is open."""


class SharedFile:
    """A file that keeps a timeline, for one process at a time. Not thread-safe.

    Args:
        path: the file; made, with its directories, where it is not there.
        rate: permits per second.

    Raises:
        ConfigError: the file can't be opened or made.
        NotSupportedError: this system has no `flock`.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._fd: int | None = None
        self._path = path
        self._rate = rate
        self._flock, self._exclusive, self._unlocked = _file_locks()
        self._boot = boot_id()
        self._looked = -math.inf
        self._warned = False
        try:
            self._open()
        except OSError as error:
            raise ConfigError(
                f"can't open the limiter's file {path} ({error}): give another path="
            ) from error

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self.close()

    # ------------------------------------------------------------------ the lock

    def lock(self) -> int:
        """Keep other processes out; the descriptor, for the methods that follow.

        Raises:
            TimeoutError: a stopped process holds the lock.
            OSError: the file can't be opened or locked.
        """
        if self._fd is not None and time.monotonic() - self._looked > LOOK:
            self._close_if_replaced(self._fd)
        fd = self._open() if self._fd is None else self._fd
        for _ in range(int(LOCK_TIMEOUT / POLL) + 1):
            try:
                self._flock(fd, self._exclusive)
            except BlockingIOError:
                time.sleep(POLL)
            else:
                return fd
        raise TimeoutError(
            f"the limiter's file {self._path} stays locked: a process that uses it is stopped; "
            "let it go on, or end it"
        )

    def unlock(self, fd: int) -> None:
        """Let other processes in."""
        self._flock(fd, self._unlocked)

    def _open(self) -> int:
        self._fd = opened(self._path, os.O_RDWR)
        return self._fd

    def _close_if_replaced(self, fd: int) -> None:
        self._looked = time.monotonic()
        try:
            replaced = not os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            replaced = True
        if replaced:
            self.close()

    # ------------------------------------------------------------------ the state

    def read(self, fd: int, line: Timeline) -> None:
        """Bring `line`, which is fresh, to the state in the file, if there is one that counts."""
        data = os.pread(fd, SIZE, 0)
        try:
            magic, boot, rate, *times, gaps = HEADER.unpack_from(data)
            numbers = struct.unpack_from(f"@{2 * gaps}d", data, HEADER.size)
        except struct.error:
            magic, boot, rate, times, numbers = b"", b"", 0.0, [], ()
        if magic != MAGIC or not all(map(math.isfinite, (*times, *numbers))):
            if data:
                self._warn("was damaged, and begins anew")
        elif boot == self._boot:
            line.tat, line.now, line.offset, line.floor, line.carry = times
            line.gaps = list(zip(numbers[::2], numbers[1::2], strict=True))
            if rate != self._rate:
                self._warn(f"is used at {rate:g} permits per second, and here at {self._rate:g}")

    def write(self, fd: int, line: Timeline) -> None:
        """Write the state of `line`, without the shortest gaps where there are too many."""
        gaps = line.gaps
        if len(gaps) > MAX_GAPS:
            gaps = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[:MAX_GAPS])
        numbers = [number for gap in gaps for number in gap]
        times = (line.tat, line.now, line.offset, line.floor, line.carry)
        header = HEADER.pack(MAGIC, self._boot, self._rate, *times, len(gaps))
        os.pwrite(fd, header + struct.pack(f"@{len(numbers)}d", *numbers), 0)

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


def _file_locks() -> tuple[Callable[[int, int], None], int, int]:
    try:
        import fcntl
    except ImportError as error:
        raise NotSupportedError(
            "a limit shared by processes needs the file locks of Unix (flock): use the limiter "
            "'gcra', and give each process its part of the rate"
        ) from error
    return fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN
