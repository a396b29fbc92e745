"""What to do where there are no more files, or no more room: whatever failed for it is in order."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final = (
    "the process has too many files open: have it close some, or raise its limit (ulimit -n)"
)
ROOM: Final = "free some space on the disk"

NO_ROOM: Final = f"the disk is full: {ROOM}"
NO_INODES: Final = "the disk holds as many files as it can: delete some"

ENOUGH: Final = 65_536
"""Bytes that SQLite needs to begin: 32 KiB to share, and a log."""

_REMEDIES: Final = {
    errno.EMFILE: FILES,
    errno.ENFILE: "all processes together have too many files open: close some (ulimit -n)",
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
}
_OF_FILES: Final = (errno.EMFILE, errno.ENFILE)
_ABOUT_FILES: Final = "(ulimit -n)"
_DEPTH: Final = 20


def remedy(error: Exception, otherwise: str) -> str:
    """What to do about a file that can't be opened: `otherwise`, unless there is a shortage.

    SQLite does not tell why it could not open one; then that is asked here.
    """
    if isinstance(error, OSError):
        return _REMEDIES.get(error.errno or 0, otherwise)
    return f"{otherwise}; it may also be that {FILES}" if _is_without_files() else otherwise


def lack(folder: Path) -> str:
    """What to do where the file system of `folder` has no more room; "" where it has some."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):  # Windows has none
        return ""
    if found.f_bavail * found.f_frsize < ENOUGH:
        return NO_ROOM
    return NO_INODES if found.f_files and not found.f_favail else ""


def _is_without_files() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _OF_FILES
    return False


def advised(advice: str, error: BaseException) -> str:
    """The advice, in which another remedy takes the place of what follows its colon.

    That is where the error, or what it was raised from, is of too many open files.
    """
    found = _of_files(error)
    if found is None:
        return advice
    now = advice.partition(":")[0]
    return now if _ABOUT_FILES in str(error) else f"{now}: {found}"


def _of_files(error: BaseException | None) -> str | None:
    for _ in range(_DEPTH):  # a chain may be a ring
        if error is None:
            return None
        number = error.errno if isinstance(error, OSError) else None
        if number in _OF_FILES:
            return _REMEDIES[number]
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)
    return None
