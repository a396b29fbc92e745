"""Files and folders that are private to their owner, and where they are: for all members.

The mode that is asked for is not the one that comes, where the umask takes more away than it has to
(`open(2)`, `mkdir(2)`). Changed is only what was just made.
"""

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
            "absolute path, or change to a folder that is there"
        ) from error


def make_folder(folder: Path) -> None:
    """Make one folder in one that is there: 0700, whatever the umask takes away.

    Raises:
        FileExistsError: something is there, whose mode is his who made it.
        OSError: it can't be made.
    """
    folder.mkdir(mode=0o700)
    with suppress(OSError, NotImplementedError):  # who goes in meets it as well
        if folder.lstat().st_mode & 0o700 != 0o700:  # by the umask
            folder.chmod(0o700, follow_symlinks=False)  # it may have been exchanged since


def create(path: str | Path, flags: int) -> int:
    """A descriptor of a new file: 0600, whatever the umask takes away.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be made.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    if os.fstat(descriptor).st_mode & 0o600 != 0o600:
        with suppress(OSError):  # a file system that has no modes
            os.fchmod(descriptor, 0o600)
    return descriptor
