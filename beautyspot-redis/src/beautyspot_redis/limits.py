"""`Limits`: limits in a Redis or Valkey server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot_redis.timeline_script import SCRIPT

if TYPE_CHECKING:
    from beautyspot_local.remote.keeping import Asked

    from beautyspot_redis.server import Server


class Limits:
    """A `beautyspot_local.remote.keeping.Keeper`.

    Args:
        server: keeps them.
        prefix: how the names of their keys begin.
    """

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    @property
    def where(self) -> object:
        """One server and one namespace, whose keys lie in one slot."""
        return self._server.url, self._prefix

    def run(self, asked: Asked) -> list[float]:
        """Run the script, which does all operations."""
        keys: list[str] = []
        values: list[Any] = [
            asked.operation, _text(asked.clock), asked.nonce, repr(asked.first), _text(asked.second)
        ]  # fmt: skip
        for limit, numbers in zip(asked.limits, asked.given, strict=True):
            keys += (limit.key, limit.pause_key)
            values += (repr(limit.tolerance), repr(limit.rate), *map(repr, numbers))
        keys.append(f"{self._prefix}:done:{asked.nonce}")
        with self._server.failures:
            return [float(number) for number in self._server.run(SCRIPT, keys, *values)]


def _text(number: float | None) -> str:
    return "" if number is None else repr(number)
