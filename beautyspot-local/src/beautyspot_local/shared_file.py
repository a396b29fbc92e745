"""A `Schedule` that the processes of one machine share: a small file, and a lock on it.

The file is one block in the machine's own byte order::

    8s   magic, with the number of the format
    16s  the boot ID: a monotonic clock starts again with the machine, and so does the limit
    5d   the latest time that was seen, the end of the last pause, the last start, when it was made,
         and how much was taken since
    Q    number of limits
    16sd for each limit: a digest of its name, and when what was taken of it ends

The lock is `flock(2)`: it belongs to the open file, excludes other processes and other instances in
this one, and falls when its process dies. The state is read by one `pread` and written by one
`pwrite` of a part of a page, so a process that is killed with the lock held leaves the old state or
the new one. A truncated or damaged file is a fresh start with one warning.
"""

from __future__ import annotations

import math
import os
import struct
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Lock, reset_in_children
from beautyspot.errors import ConfigError, NotSupportedError
from beautyspot.logs import logger

from beautyspot_local.folders import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import Schedule

MAGIC: Final = b"bsrate04"
SIZE: Final = 4096
HEADER: Final = struct.Struct("@8s16s5dQ")
ENTRY: Final = struct.Struct("@16sd")

LOCK_TIMEOUT: Final = 1.0
"""Seconds to try for the lock. It is held for microseconds, unless a process is stopped with it."""

POLL: Final = 0.0005
"""Seconds between two tries: never a blocking wait, which would hold up an event loop for good."""

LOOK: Final = 1.0
"""Seconds after which to look whether the path still leads to the file that is open."""


class SharedFile:
    """A file that keeps a schedule, for one thread of one process at a time.

    Args:
        path: the file; made, with its directories, where it is not there.

    Raises:
        ConfigError: the file can't be opened or made.
        NotSupportedError: this system has no `flock`.
    """

    def __init__(self, path: Path) -> None:
        try:
            import fcntl
        except ImportError as error:
            raise NotSupportedError(
                "a limit shared by processes needs the file locks of Unix (flock): use the limiter "
                "'gcra', and give each process its part of the rate"
            ) from error
        self._fcntl: Any = fcntl
        self._fd: int | None = None
        self._path = path
        self._looked = -math.inf
        self._warned = False
        self._lock = Lock()
        try:
            self._open()
        except OSError as error:
            raise ConfigError(
                f"can't open the limiter's file {path} ({error}): give another path="
            ) from error
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread may have held the lock; that of the file must not be the parent's."""
        self._lock = Lock()
        self.close()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> int:
        self._fd = opened(self._path, os.O_RDWR)
        return self._fd

    @contextmanager
    def locked(self, schedule: Schedule) -> Iterator[None]:
        """In the block, keep all others out; what it changes of the schedule is written behind it.

        Raises:
            TimeoutError: a stopped process holds the lock.
            OSError: the file can't be opened or locked.
        """
        with self._lock:
            if self._fd is not None and time.monotonic() - self._looked > LOOK:
                self._close_if_replaced(self._fd)
            fd = self._open() if self._fd is None else self._fd
            self._lock_file(fd)
            try:
                self._read(fd, schedule)
                yield
                self._write(fd, schedule)
            finally:
                self._fcntl.flock(fd, self._fcntl.LOCK_UN)

    def _lock_file(self, fd: int) -> None:
        for _ in range(int(LOCK_TIMEOUT / POLL) + 1):
            try:
                self._fcntl.flock(fd, self._fcntl.LOCK_EX | self._fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(POLL)
            else:
                return
        raise TimeoutError(
            f"the limiter's file {self._path} stays locked: a process that uses it is stopped; "
            "let it go on, or end it"
        )

    def _close_if_replaced(self, fd: int) -> None:
        self._looked = time.monotonic()
        try:
            replaced = not os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            replaced = True
        if replaced:
            self.close()

    # ------------------------------------------------------------------ the state

    def _read(self, fd: int, schedule: Schedule) -> None:
        """Bring a schedule, which is fresh, to the state in the file.

        It takes what others have limited there as well, by digests: time goes on for all of them.
        """
        data = os.pread(fd, SIZE, 0)
        try:
            magic, boot, *times, count = HEADER.unpack_from(data)
            size = ENTRY.size
            parts = [ENTRY.unpack_from(data, HEADER.size + size * at) for at in range(count)]
        except (struct.error, MemoryError):
            magic, boot, times, parts = b"", b"", [], []
        numbers = [*times, *(end for _, end in parts)]
        if data and (magic != MAGIC or not all(number < math.inf for number in numbers)):
            if not self._warned:
                self._warned = True
                logger.warning("the limiter's file %s was damaged, and begins anew", self._path)
        elif data and boot == boot_id():
            schedule.seen, schedule.until, schedule.start, schedule.made, schedule.taken = times
            names = {digest_of(name): name for name in schedule.limits}
            schedule.ends |= {names.get(each) or each.hex(): end for each, end in parts}

    def _write(self, fd: int, schedule: Schedule) -> None:
        kept = [
            (end, digest_of(name) if name in schedule.limits else bytes.fromhex(name))
            for name, end in schedule.ends.items()
        ]
        kept = sorted(kept)[-((SIZE - HEADER.size) // ENTRY.size) :]
        times = schedule.seen, schedule.until, schedule.start, schedule.made, schedule.taken
        header = HEADER.pack(MAGIC, boot_id(), *times, len(kept))
        os.pwrite(fd, header + b"".join(ENTRY.pack(each, end) for end, each in kept), 0)


def digest_of(name: str) -> bytes:
    """The digest of a limit's name, or of a key: 16 bytes."""
    return sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]


_boot: Final[list[bytes]] = []


def boot_id() -> bytes:
    """16 bytes that are others after the machine was started again; zeros where none are known.

    Without them (no Linux) a clock that started again counts as one that was turned back: time
    goes on from where it was.
    """
    if not _boot:
        try:
            text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
            _boot.append(bytes.fromhex(text.strip().replace("-", "")))
        except (OSError, ValueError):
            _boot.append(bytes(16))
    return _boot[0]
