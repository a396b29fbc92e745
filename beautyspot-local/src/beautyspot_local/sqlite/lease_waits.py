"""What the processes of one database wait for: a small file each, beside the database.

A process writes one while it waits for a lease and others wait for it. The file is locked as a
whole as long as its process lives; one that can be locked was left by a process that was killed,
and is removed. Its first byte is what is locked on Windows, and says nothing.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from beautyspot_local.sqlite.leases import LockFile, is_at, lock_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    Waits = dict[str, set[str]]

_LONGEST: Final = 1 << 20
"""Bytes of a file that are read."""


class LeaseWaits:
    """The waits of one store's process, and those of the others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: tuple[Path, LockFile] | None = None
        self._lock = threading.RLock()

    def after_fork_in_child(self) -> None:
        """Leave the file to the parent; another thread of it may have held the lock."""
        self._lock = threading.RLock()
        if self._own is not None:
            self._own[1].close()
            self._own = None

    def share(self, waits: Mapping[str, Collection[str]]) -> Waits:
        """Write what this process waits for, and read what the others do.

        Raises:
            OSError: nothing can be written there.
        """
        with self._lock:
            if waits:
                self._write({key: sorted(held) for key, held in waits.items()})
            else:
                self.end()
            return self._others()

    def _write(self, waits: Mapping[str, Collection[str]]) -> None:
        import json  # takes milliseconds, and most processes never wait so

        while self._own is None:
            path = self._folder / os.urandom(8).hex()
            file = LockFile(path)
            if lock_whole(file.number) and is_at(path, file.number):  # else another one removed it
                self._own = path, file
        number = self._own[1].number
        data = b" " + json.dumps(waits).encode()
        os.lseek(number, 0, os.SEEK_SET)
        os.write(number, data)
        os.ftruncate(number, len(data))

    def end(self) -> None:
        """Wait for nothing."""
        with self._lock:
            if self._own is not None:
                path, file = self._own
                self._own = None
                with suppress(OSError):  # Windows removes no open file
                    path.unlink()
                file.close()

    def _others(self) -> Waits:
        found: Waits = {}
        own = None if self._own is None else self._own[0].name
        with suppress(OSError), os.scandir(self._folder) as files:
            for entry in files:
                if entry.name != own:
                    for key, held in _read(self._folder / entry.name).items():
                        found.setdefault(key, set()).update(held)
        return found


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        yield number
    finally:
        os.close(number)


def _read(path: Path) -> Waits:
    """What a file says whose process lives; nothing while it is being written."""
    import json

    with suppress(OSError, ValueError, RecursionError), _opened(path) as number:
        if lock_whole(number):
            path.unlink()
            return {}
        os.lseek(number, 1, os.SEEK_SET)
        return _checked(json.loads(os.read(number, _LONGEST)))
    return {}


def _checked(waits: object) -> Waits:
    """What another program wrote there is none of ours."""
    if not isinstance(waits, dict):
        return {}
    return {
        key: {other for other in held if isinstance(other, str)}
        for key, held in waits.items()
        if isinstance(held, list)
    }
