"""Folders that are private to their owner, and where they are."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from beautyspot.errors import ConfigError


def absolute(path: str | os.PathLike[str], option: str) -> Path:
    """The absolute path: the program may change its working directory later.

    Raises:
        ConfigError: there is no working directory now, in which a relative path would start.
    """
    try:
        return Path(path).absolute()
    except OSError as error:
        raise ConfigError(
            f"{option}={str(path)!r} starts in the working directory, and that is gone: give an "
            "absolute path"
        ) from error


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents (0700): `Path.mkdir` gives the last one alone a mode.

    What somebody removes at this very moment is no failure: who opens a file in it sees that.

    Raises:
        OSError: it can't be made.
    """
    if not folder.parent.is_dir():
        make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except (FileExistsError, FileNotFoundError):
        return  # the mode of one that is there is his who made it
    with suppress(OSError, NotImplementedError):  # who opens a file in it sees that
        if folder.lstat().st_mode & 0o700 != 0o700:  # by the umask
            folder.chmod(0o700, follow_symlinks=False)  # it may have been exchanged since


def create(path: str | Path, flags: int) -> int:
    """A descriptor of a new file, private to its owner: 0600, whatever the umask takes away.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be made.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    if os.fstat(descriptor).st_mode & 0o600 != 0o600:
        with suppress(OSError):  # a file system that has no modes
            os.fchmod(descriptor, 0o600)
    return descriptor
