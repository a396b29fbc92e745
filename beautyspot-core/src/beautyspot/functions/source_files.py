"""The digest of the file that a function stands in: cheap, since nothing has to be parsed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from xxhash import xxh3_64_hexdigest

from beautyspot.functions.names import innermost_function, namespace_of


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
