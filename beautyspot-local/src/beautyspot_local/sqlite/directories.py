"""The folder of a database: made private, kept out of version control and out of backups.

A folder that the store makes gets the files that say so; one that a user made is left as it is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beautyspot.files import create

from beautyspot_local.folders import make_private

if TYPE_CHECKING:
    from pathlib import Path

_MARKS: Final = {
    ".gitignore": "# Made by beautyspot: results are no sources.\n*\n",
    # https://bford.info/cachedir/
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by beautyspot.\n",
}


def prepare(database: Path) -> None:
    """Make the folder of a database that is to be made, with its marks if it is ours.

    It is ours where it was missing, or holds nothing but what may be made before the database:
    a folder that was removed while its Spot goes on comes back with a lock or a blob.

    Raises:
        OSError: it can't be made.
    """
    folder = database.parent
    ours = not folder.exists()
    make_private(folder)
    with suppress(OSError):  # the database meets it as well, and says what to do
        found = {path.name for path in folder.iterdir()}
        before = {"blobs", f"{database.name}.lock", f"{database.name}.locks"}
        if ours or (found and found <= before):
            _mark(folder)


def _mark(folder: Path) -> None:
    for name, text in _MARKS.items():
        path = folder / name
        try:
            os.close(create(path, os.O_WRONLY))
        except OSError:  # another process was faster; or nothing can be written: no results either
            continue
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            with suppress(OSError):
                path.unlink()  # an empty one would stay so for good
