"""`Limits`: limits and their places in a Postgres server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot_postgres import arrays, schema, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_local.remote.keeping import Asked, Place

    from beautyspot_postgres.server import Server


class Limits:
    """A `beautyspot_local.remote.keeping.Keeper`.

    Args:
        server: keeps them.
        namespace: keeps limits of the same name apart.
    """

    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._namespace = texts.short(namespace)
        self._is_made = False
        self._run = server.sql(
            "SELECT {schema}.limit_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        )
        self._hold = server.sql("SELECT {schema}.limit_hold($1, $2, $3, $4, $5, $6)")
        self._drop = server.sql("SELECT {schema}.limit_drop($1, $2, $3)")

    @property
    def where(self) -> object:
        """One database, one schema and one namespace."""
        parameters = self._server.address.parameters
        return tuple(sorted(parameters.items())), self._server.schema, self._namespace

    def run(self, asked: Asked) -> Sequence[float]:
        """Have the function do it, which does all operations."""
        limits = asked.limits
        answer: Sequence[float] = self._answer(
            self._run,
            asked.operation,
            self._namespace,
            asked.clock,
            asked.nonce,
            asked.first,
            asked.second,
            arrays.literal(limit.key for limit in limits),
            arrays.literal(limit.pause_key for limit in limits),
            arrays.floats(limit.tolerance for limit in limits),
            arrays.floats(limit.rate for limit in limits),
            arrays.floats(number for numbers in asked.given for number in numbers),
        )
        return answer

    def hold(
        self, places: Sequence[Place], lease_time: float, clock: float | None
    ) -> Sequence[bool]:
        """Take each place, or hold on to it."""
        answer: Sequence[bool] = self._answer(
            self._hold,
            self._namespace,
            arrays.literal(place.key for place in places),
            arrays.literal(place.token for place in places),
            "{" + ",".join(str(place.size) for place in places) + "}",
            lease_time,
            clock,
        )
        return answer

    def drop(self, place: Place) -> None:
        """Have a place be free."""
        self._answer(self._drop, self._namespace, place.key, place.token)

    def _answer(self, query: bytes, *params: Any) -> Any:
        if not self._is_made:
            schema.ensure(self._server)
            self._is_made = True
        try:
            [[answer]] = self._server.run(query, params)
        except BaseException:
            self._is_made = False  # where the schema was dropped, the next call makes it again
            raise
        return answer
