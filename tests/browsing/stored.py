"""`Stored`: the stores that a dashboard of the tests shows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Stored(NamedTuple):
    """Stores, by their names.

    Attributes:
        databases: name -> the file.
        keys: name -> the keys of its results, by the names of these.
    """

    databases: dict[str, Path]
    keys: dict[str, dict[str, str]]
