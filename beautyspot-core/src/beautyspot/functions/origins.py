"""Whose code is in a file: of the standard library, of an installed package, or the user's own."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Final

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - as code names its file


def is_installed(filename: str) -> bool:
    """Whether a file is of an installed package."""
    return not _INSTALLED.isdisjoint(PurePath(filename).parts)


def is_standard(filename: str) -> bool:
    """Whether a file is of the standard library."""
    return filename.startswith(_STANDARD) and not is_installed(filename)
