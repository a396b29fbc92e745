"""The file of a database, seen without opening it: made, identified, checked and moved.

SQLite opens the file, and nothing else of this process does: closing *any* descriptor of it drops
all POSIX locks that the process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2).

A rollback journal may name a *super-journal*, that of a commit to several files, and SQLite deletes
the file of that name once it has rolled back: whatever file that is, where another program wrote
the journal (https://www.sqlite.org/fileformat2.html#the_rollback_journal). This store commits to
one file only, so a journal of its own never names one.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beautyspot.errors import MetadataError
from beautyspot.files import create, mount_of

from beautyspot_local.folders import make_private
from beautyspot_local.sqlite import fork_guard

if TYPE_CHECKING:
    from pathlib import Path


Identity = tuple[int, int]
"""Device and inode: which file is at a path."""

_NAMES_A_SUPER_JOURNAL: Final = bytes.fromhex("d9d505f920a163d7")
"""The last 8 bytes of a rollback journal that does."""


def identify(path: Path | str) -> Identity | None:
    """Which file is at `path`; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, on every save
    except OSError:
        return None
    return status.st_dev, status.st_ino


def may_write(path: Path) -> bool:
    """Whether this process may write the file or folder."""
    return _may(os.W_OK, path)


def _may(mode: int, path: Path) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def make_file(path: Path) -> None:
    """Create the directory and the empty file, both private; what is there stays as it is.

    SQLite gives ``-wal`` and ``-shm`` the permissions of the file.

    Raises:
        OSError: it can't be made.
        MetadataError: what is there is not to be opened.
    """
    # The lock keeps a second thread from having the new file open when its descriptor is closed.
    with fork_guard.locks.creating:
        if not os.path.lexists(path):
            make_private(path.parent)
            with suppress(FileExistsError):  # another process was faster
                os.close(create(path, os.O_WRONLY))
    refuse_traps(path)


def refuse_traps(path: Path) -> None:
    """Refuse what SQLite would follow, wait for, or obey to the harm of other files.

    Raises:
        OSError: it can't be looked at, or is a directory.
        MetadataError: it is no plain file, or its journal names another file.
    """
    kind = path.lstat().st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISLNK(kind):
        raise MetadataError(
            f"{path} is a symbolic link, and whoever put it there chose the file: remove it, and "
            "give that file as db_path if it was you"
        )
    if not stat.S_ISREG(kind):
        raise MetadataError(f"{path} is no plain file: remove it, or choose another db_path")
    if _names_a_super_journal(path.with_name(f"{path.name}-journal")):
        raise MetadataError(
            f"{path}-journal is no journal of ours, and would have SQLite delete another file: "
            "move it away"
        )


def _names_a_super_journal(journal: Path) -> bool:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:  # no lock of SQLite's is on this file
        with open(os.open(journal, flags), "rb") as file:  # noqa: PTH123 - a descriptor
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_NAMES_A_SUPER_JOURNAL)))
            return file.read() == _NAMES_A_SUPER_JOURNAL
    except OSError:  # there is none, as nearly always; SQLite itself opens no link and no FIFO
        return False


def obstacle(path: Path) -> str:
    """What to do about a file that can't be opened."""
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises in a folder closed to us
        return "a directory stands there: move it away"
    if os.path.lexists(path) and not _may(os.R_OK, path):
        return "the file is there and may not be read: give it to the user who runs this"
    return "check that the directory may be written"


_DAMAGED: Final = ".damaged-"


def set_aside(path: Path) -> Path:
    """Rename a damaged database and its companions; where it is now. Nothing is deleted.

    The companions go first: a ``-wal`` left behind would be replayed into the successor.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}{_DAMAGED}{stamp}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def all_set_aside(path: Path) -> list[Path]:
    """The damaged databases that lay at `path`, the oldest first."""
    begins = f"{path.name}{_DAMAGED}"
    found = [each for each in path.parent.iterdir() if each.name.startswith(begins)]
    return sorted(each for each in found if not each.name.endswith(("-wal", "-shm")))


def rescue(aside: Path, path: Path) -> str:
    """The command that copies what can be read of a damaged database into the one at `path`."""
    import shlex  # rarely needed

    return shlex.join(["beautyspot", "copy", str(aside), str(path)])


TICKS: Final = 50_000_000
"""Nanoseconds: several ticks of the slowest kernel's clock. A later change has another time."""

_TIMED_BY_THE_KERNEL: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "overlay", "tmpfs", "xfs"}
)
"""Each change of a file there is made by this kernel, which notes the time of each ``write``."""

_MANY_DEVICES: Final = frozenset({"btrfs"})
"""Each of their parts shows a device of its own, which is not the one in the table of mounts."""


def timed_by_the_kernel(path: Path) -> bool:
    """Whether a ``write`` to any file beside `path` surely moves that file's time of change."""
    directory = os.path.realpath(path.parent)
    mount = mount_of(directory)
    if mount is None:
        return False
    kind, device = mount
    known = kind in _MANY_DEVICES or device == _device(directory)
    return known and kind in _TIMED_BY_THE_KERNEL


def _device(directory: str) -> str | None:
    try:
        number = os.stat(directory).st_dev  # noqa: PTH116 - a text, as `realpath` gave it
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}"
