"""The functions of the metadata store that concern rows, what was invalidated, and counts."""

from __future__ import annotations

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = ()
