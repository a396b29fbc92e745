"""Folders that are private to their owner, and where they are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    import os


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
    with suppress(FileNotFoundError, FileExistsError):
        folder.mkdir(mode=0o700, exist_ok=True)
