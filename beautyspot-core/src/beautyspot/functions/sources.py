"""The files that code comes from: whose they are, and what is in them, told without parsing."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final

from xxhash import xxh3_64_hexdigest

from beautyspot.functions.names import innermost_function, namespace_of

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - as code names its file


def is_installed(filename: str) -> bool:
    """Whether a file is of an installed package."""
    return not _INSTALLED.isdisjoint(PurePath(filename).parts)


def is_of_installed(cls: type) -> bool:
    """Whether the module of a class is of an installed package."""
    return is_installed(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")


def is_standard(filename: str) -> bool:
    """Whether a file is of the standard library."""
    return filename.startswith(_STANDARD) and not is_installed(filename)


def file_digest(named: Any) -> str:
    """A digest of the file of a function or class, as it is now: 16 hex digits.

    Where it is the same, so is all that the source can tell. "" where there is no file: of a cell,
    of a prompt, in an archive.
    """
    function = innermost_function(named)
    namespace = namespace_of(named) if function is None else {}
    path = Path(function.__code__.co_filename if function else str(namespace.get("__file__")))
    try:
        return _digest(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return ""


@lru_cache(maxsize=64)
def _digest(path: Path, changed_at: int) -> str:
    del changed_at  # a file that was edited is read again
    return xxh3_64_hexdigest(path.read_bytes())
