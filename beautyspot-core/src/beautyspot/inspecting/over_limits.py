"""Which rows `prune` would remove."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from beautyspot.config.settings import DURATION, SIZE, byte_count, seconds
from beautyspot.inspecting.filters import checked
from beautyspot.results.pruning import Limits, foresee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.listing import Listing

L = TypeVar("L")


def read_limits(
    max_size: object, older_than: object, unused_for: object, *, expired: bool
) -> Limits:
    """The limits of `prune`.

    Raises:
        ConfigError: one is wrong.
    """
    return Limits(
        max_size=_optional("max_size", max_size, byte_count, SIZE),
        older_than=_optional("older_than", older_than, seconds, DURATION),
        unused_for=_optional("unused_for", unused_for, seconds, DURATION),
        expired=expired,
    )


def _optional(name: str, value: object, check: Callable[[object], L], expected: str) -> L | None:
    return None if value is None else checked(name, value, check, expected)


def over_limits(listing: Listing, limits: Limits) -> Iterator[TaskRecord]:
    """The rows of a listing that are over the limits.

    Raises:
        MetadataError: the store failed.
    """
    chosen: dict[str, float | None] = {}
    foresee(listing, limits, time.time(), chosen.__setitem__)
    for record in listing.all():
        key = record.cache_key
        if key in chosen and chosen[key] == record.made_at:
            yield record
