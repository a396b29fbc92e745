"""The folder of a Spot: made private, kept out of version control and out of backups."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = {
    ".gitignore": "# Made by beautyspot: results are no sources.\n*\n",
    # https://bford.info/cachedir/
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by beautyspot.\n",
}


def prepare(directory: Path) -> None:
    """Make `directory` (0700) with its marks; one that is there already is left as it is.

    Raises:
        OSError: it can't be made.
    """
    if directory.exists():
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    for name, text in _FILES.items():
        with suppress(FileExistsError):  # another process was faster
            (directory / name).touch(mode=0o600, exist_ok=False)
            (directory / name).write_text(text, encoding="utf-8")
