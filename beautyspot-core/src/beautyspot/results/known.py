"""What a store has told of a call's row before the call looks: beside the lease of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Entry, entry_of, in_full, lacks_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.contracts import Plain, TaskRecord

NOTHING: Final = Entry("", None, None, None, None, None, None, None)
"""For a call's `found`: the store was asked just now, and has nothing."""


def known(key: str, found: Plain | Entry | None, waiting: Mapping[str, TaskRecord]) -> Entry | None:
    """For a call's `found`: what is on its way to the store, or what the store has; or `NOTHING`.

    None for what lacks its data, which is to be asked for; and for what is none of these, of a
    store that is wrong: the look-up that asks for it again deals with that, and says so.
    """
    queued = waiting.get(key)
    if queued is not None:
        return entry_of(queued)
    if found is None:
        return NOTHING
    try:
        entry = in_full(found)
    except (TypeError, ValueError):
        return None
    return None if lacks_data(entry) else entry
