"""The store that looks at what is in the server as it is, and changes nothing."""

from __future__ import annotations

from beautyspot.contracts import OnlyLooking

from beautyspot_redis.reading import RedisReader


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
            raise self._has_no_id()
        return found.decode("ascii", "replace")
