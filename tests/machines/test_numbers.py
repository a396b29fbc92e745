"""The numbers of what was invalidated are times, so a time stands for one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts import Invalidation
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot
    from servers.shared import Shared

NOTED = Invalidation(cache_key=KEYS[0])


def test_a_call_whose_beginning_could_not_be_asked_is_stored(
    make_spot: Callable[..., Spot], server: Shared, namespace: str
) -> None:
    """Core then gives 0, and the time."""
    store = make_spot(metadata=server.at(namespace=namespace)).metadata
    store.note_invalidation(NOTED)
    began = store.now()
    assert store.put_valid(a_record(began_at=began), 0)
    assert not store.put_valid(a_record(began_at=began - 60), 0)
    assert not store.put_valid(a_record(KEYS[0]), 0), "nothing is known of when it began"
    store.note_invalidation(NOTED)
    assert store.put_many_valid([(a_record(began_at=began), 0)]) == {KEYS[0]}
