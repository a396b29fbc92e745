"""Folders and files that are private to their owner, and folders of Spots, with marks.

The marks keep a Spot's folder out of version control and out of backups. Only a folder that was
made here gets them: in one that a user made, or may put files into, they would hide those as well.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from beautyspot.files import create, make_folder

_MARKS: Final = {
    ".gitignore": "# Made by beautyspot: results are no sources.\n*\n",
    # https://bford.info/cachedir/
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by beautyspot.\n",
}

_TRIES: Final = 100

_of_spots: Final[set[str]] = set()


def mark_when_made(directory: Path) -> None:
    """Have the folder of a Spot marked when it is made, and whenever it is made again."""
    _of_spots.add(os.path.abspath(directory))  # noqa: PTH100 - Path.absolute keeps ".."


def is_private(path: Path) -> bool:
    """Whether nobody but this user may read a file or folder; a missing one will be made so.

    False where modes do not tell, as on Windows.
    """
    if os.name != "posix":
        return False
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents (0700): `Path.mkdir` sets the mode of the last only.

    A folder that is removed at the same moment is not an error here: opening a file in it will be.

    Raises:
        OSError: it can't be made.
    """
    with suppress(FileExistsError, FileNotFoundError):
        try:
            make_folder(folder)
        except FileNotFoundError:  # most often its parent is there
            if not folder.parent.is_dir():
                make_private(folder.parent)
            make_folder(folder)
        if os.path.abspath(folder) in _of_spots:  # noqa: PTH100
            _mark(folder)


def created(path: str | Path, flags: int) -> int:
    """A descriptor of a new file, private to the user, as are its folders where they are missing.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be made.
    """
    for _ in range(_TRIES):  # another process may remove the folders
        try:
            return create(path, flags)
        except FileNotFoundError:
            make_private(Path(path).parent)
    return create(path, flags)


def opened(path: Path, flags: int) -> int:
    """A descriptor of a file, which is made where it is missing; programs do not inherit it.

    Raises:
        OSError: it can't be opened, or made.
    """
    for _ in range(_TRIES):  # another process may make it, and remove it
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        with suppress(FileExistsError):
            return created(path, flags)
    return os.open(path, flags)


def _mark(folder: Path) -> None:
    for name, text in _MARKS.items():
        # Where nothing can be written, there are no results either.
        with suppress(OSError), os.fdopen(create(folder / name, os.O_WRONLY), "w") as file:
            file.write(text)
