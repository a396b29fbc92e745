"""Folders that are private to their owner."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from beautyspot.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents (0700): `Path.mkdir` sets the mode of the last only.

    A folder that is removed at the same moment is not an error here: opening a file in it will be.

    Raises:
        OSError: it can't be made.
    """
    if not folder.parent.is_dir():
        make_private(folder.parent)
    with suppress(FileExistsError, FileNotFoundError):
        make_folder(folder)
