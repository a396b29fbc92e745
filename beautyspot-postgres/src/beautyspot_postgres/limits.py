"""`Limits`: limits in a Postgres server."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from beautyspot_postgres import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_local.remote.keeping import Asked

    from beautyspot_postgres.server import Server

_RUN: Final = f"SELECT {{schema}}.limit_run({', '.join(['%s'] * 11)})"


def short(name: str) -> str:
    """A name as it stands in the tables: a digest of one that is too long, or holds odd signs."""
    if len(name) <= 200 and name.isprintable():
        return name
    return f"sha256 {sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


class Limits:
    """A `beautyspot_local.remote.keeping.Keeper`.

    Args:
        server: keeps them.
        namespace: keeps limits of the same name apart.
    """

    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._namespace = short(namespace)

    @property
    def where(self) -> object:
        """One database, one schema and one namespace."""
        parameters = self._server.address.parameters
        return tuple(sorted(parameters.items())), self._server.schema, self._namespace

    def run(self, asked: Asked) -> Sequence[float]:
        """Have the function do it, which does all operations."""
        limits = asked.limits
        answer: Sequence[float] = self._answer(
            _RUN,
            asked.operation,
            self._namespace,
            asked.clock,
            asked.nonce,
            asked.first,
            asked.second,
            [limit.key for limit in limits],
            [limit.pause_key for limit in limits],
            [limit.tolerance for limit in limits],
            [limit.rate for limit in limits],
            [number for numbers in asked.given for number in numbers],
        )
        return answer

    def _answer(self, query: str, *params: Any) -> Any:
        if not self._server.is_ready:
            schema.ensure(self._server)
            self._server.is_ready = True
        [[answer]] = self._server.run(query, params)
        return answer
