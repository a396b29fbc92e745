"""The store that looks at what is in the server as it is, and changes nothing."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import OnlyLooking

from beautyspot_redis.names import namespace_of
from beautyspot_redis.reading import RedisReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 1000
"""Names of stores among which the nearest one is looked for."""

_LOOKED_THROUGH: Final = 100_000
"""Names of keys that are read, at the most, to tell which stores there are."""


class LookingStore(OnlyLooking, RedisReader):
    """Reads what is in the server; see the module."""

    def open(self) -> None:
        """See whether the server answers."""
        self._translated(lambda: self._server.client.ping())
        self._is_open = True

    @property
    def store_id(self) -> str:
        """The ID in the server; there is none before a Spot has used the store."""
        found = self._asked(lambda: self._field("store_id"))
        if found is None:
            others = self._asked(lambda: list(islice(self._others(), _MOST)))
            raise self._has_no_id(sorted(others), self._names.namespace)
        return found.decode("ascii", "replace")

    def _others(self) -> Iterator[str]:
        names = self._server.client.scan_iter(count=1000)
        found = (namespace_of(name) for name in islice(names, _LOOKED_THROUGH))
        yield from {name for name in found if name is not None}
