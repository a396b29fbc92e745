"""What `spot.map` gives beside results: `Failed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A call of `spot.map` that raised, with ``errors="return"``.

    Attributes:
        input: what the function was called with: an item, or a tuple of one of each iterable.
        error: what it raised; a `TimeoutError` where its `timeout` was over.
        stored: whether nothing ran for it, since it was stored, by ``mark(cache_errors=)``.
    """

    input: Any
    error: Exception
    stored: bool = False
