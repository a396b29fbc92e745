"""The folder of a Spot: made private, kept out of version control and out of backups.

It may have to be made later than the Spot, or again: where it can't be made yet, or was removed.
Then it may be made by whoever of ours comes first, so its marks are seen to by the database, which
is always made after it. What a user has made is left as it is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beautyspot.files import create, make_folder

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = {
    ".gitignore": "# Made by beautyspot: results are no sources.\n*\n",
    # https://bford.info/cachedir/
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by beautyspot.\n",
}

_spots: dict[Path, bool] = {}
"""The folders of Spots; True for one that has marks, or was missing and is ours to make."""


def prepare(directory: Path) -> None:
    """Make `directory` with its marks, if it is missing; one that is there is left as it is.

    Raises:
        OSError: it can't be made; its marks will come with it.
    """
    there = directory.exists()
    _spots[directory] = not there or all((directory / name).exists() for name in _FILES)
    if not there:
        make_directory(directory)


def make_directory(path: Path) -> None:
    """Create the directory and its missing parents, private to the user; a Spot's with its marks.

    Raises:
        OSError: it can't be made.
    """
    missing = [part for part in (path, *path.parents) if not part.exists()]
    for part in reversed(missing):
        _make_private(part)
    if missing and path in _spots:
        _mark(path)


def _make_private(path: Path) -> None:
    try:
        make_folder(path)
    except FileExistsError:  # another one was faster
        if not path.is_dir():
            raise


def complete(database: Path) -> None:
    """Add what marks are missing where a new database is made, if nobody but we made the folder."""
    directory = database.parent
    if not _spots.get(directory):
        return
    with suppress(OSError):  # the store meets it as well, and says what to do
        names = {path.name for path in directory.iterdir()}
        if all(_is_ours(name, database.stem) for name in names) and not names.issuperset(_FILES):
            _mark(directory)


def _is_ours(name: str, spot: str) -> bool:
    return name in _FILES or name == "blobs" or name.startswith(f"{spot}.")


def _mark(directory: Path) -> None:
    for name, text in _FILES.items():
        path = directory / name
        try:
            os.close(create(path, os.O_WRONLY))
        except OSError:  # another process was faster; or nothing can be written: no results either
            continue
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            with suppress(OSError):
                path.unlink()  # an empty one would stay so for good
