"""Folders that are private to their owner."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from beautyspot.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents (0700): `Path.mkdir` gives the last one alone a mode.

    What somebody removes at this very moment is no failure: who opens a file in it sees that.

    Raises:
        OSError: it can't be made.
    """
    if not folder.parent.is_dir():
        make_private(folder.parent)
    with suppress(FileExistsError, FileNotFoundError):
        make_folder(folder)
