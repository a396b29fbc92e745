"""Whether a value is what was stored, before parts of it are given.

The digest of a value is that of all its bytes, so a part can't be checked by itself. A value of up
to `CHECKED` bytes is read whole before the first part of it is given; with a signing key one of any
size is. That is done once while the dashboard runs.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beautyspot import Store, TaskRecord

    from beautyspot_dashboard.values.bodies import Body

CHECKED: Final = 64 * 2**20
"""Bytes of a value that is read whole before a part of it is given."""

_REMEMBERED: Final = 1000

_sound: OrderedDict[tuple[object, ...], None] = OrderedDict()
_lock = Lock()


def is_checked_first(store: Store, size: int | None) -> bool:
    """Whether a value of this size is checked before a part of it is given."""
    return store.signing_keys is not None or (size is not None and size <= CHECKED)


def check(store: Store, record: TaskRecord, body: Body) -> None:
    """Check a value, unless that was done before, or it is large.

    Raises:
        BeautyspotError: it is damaged, or can't be read.
    """
    mark = (
        store.place,
        record.cache_key,
        record.digest,
        record.made_at,
        store.signing_keys is None,
    )
    if not is_checked_first(store, body.size) or mark in _sound:
        return
    for _ in body.chunks():
        pass
    with _lock:
        _sound[mark] = None
        while len(_sound) > _REMEMBERED:
            _sound.popitem(last=False)
