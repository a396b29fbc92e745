"""Which rows `prune` would remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.results.pruning import foresee

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.listing import Listing
    from beautyspot.results.pruning import Limits


def over_limits(listing: Listing, limits: Limits, now: float) -> Iterator[TaskRecord]:
    """The rows of a listing that are over the limits at a time, in Unix time.

    Raises:
        MetadataError: the store failed.
    """
    chosen: dict[str, float | None] = {}
    foresee(listing, limits, now, chosen.__setitem__)
    for record in listing.all():
        key = record.cache_key
        if key in chosen and chosen[key] == record.made_at:
            yield record
