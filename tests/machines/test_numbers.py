"""The numbers of what was invalidated are times, so a time stands for one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot
    from servers.shared import Shared


def test_a_call_whose_beginning_could_not_be_asked_is_stored(
    make_spot: Callable[..., Spot], server: Shared, namespace: str
) -> None:
    """Core then gives a time before it; what was invalidated after that is not stored."""
    store = make_spot(metadata=server.at(namespace=namespace)).metadata
    noted, other = a_record(KEYS[0]), a_record(KEYS[1])
    store.note(covers_of(noted)[0])
    before = int((store.now() - 60) * 1e6)
    rows = [Put(record, covers_of(record), before) for record in (noted, other)]
    assert store.put(rows) == {noted.cache_key}
    later = int((store.now() + 60) * 1e6)
    assert store.put([Put(noted, covers_of(noted), later)]) == set()
