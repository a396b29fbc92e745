"""`PostgresLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import BeautyspotError
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_local.remote.remade import remembered

from beautyspot_postgres import schema as schemas
from beautyspot_postgres.address import SCHEMES
from beautyspot_postgres.server import Server, column_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding

_ASK: Final = (
    "SELECT {schema}.ask_limits(%s, %s, %s::float8, %s, "
    "%s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8, %s::float8, %s::float8)"
)


class PostgresLimiter(RemoteLimiter):
    """A limiter in Postgres: one rate for all processes that name the same limit.

    Permits are spaced evenly (GCRA), in the order of asking, by the server's clock: those of the
    machines do not matter. A permit that is granted at once takes one round trip, another one a
    second when its time has come. What a call gives back goes to the next that asks and fits.

    Args:
        url: of the database; see `beautyspot_postgres.address`. None is the environment's
            `DATABASE_URL`, or what libpq finds there.
        rate: ``"600/min"``, ``"10/s"``, ``"5/2s"``, or a number per second. All processes that
            share the limit should give the same.
        max_cost: the largest single cost. Default: the number in the text (``"600/min"``: 600) or
            per second, and at least 1.
        burst: how much may go at once after idling, beyond the call that always may; default none.
        namespace: keeps limits of the same name apart; default the Spot's name.
        limit: the name of the limit within it.
        workers: how many processes share the rate. While the server can't be reached, each keeps to
            its part of it.
        schema: of the database, in which the tables are.
        timeout: seconds within which the server has to answer.
        connections: how many there are at most; further threads wait for one.
        clock: gives seconds, for tests; default the server's clock.
        sslrootcert: a file of the authorities that vouch for the server.
        sslcert, sslkey: a certificate of the client, and its key.
        passfile: a file of passwords.
        parameters: others of libpq, such as ``sslmode="verify-full"``.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    name = "postgres"
    schemes = SCHEMES

    @remembered
    def __init__(
        self,
        /,
        url: str | None = None,
        *,
        rate: str | float,
        max_cost: float | None = None,
        burst: float = 0.0,
        namespace: str = "beautyspot",
        limit: str = "rate",
        workers: int = 1,
        schema: str = "beautyspot",
        timeout: float | str | timedelta = 5.0,
        connections: int = 4,
        clock: Callable[[], float] | None = None,
        sslrootcert: str | Path | None = None,
        sslcert: str | Path | None = None,
        sslkey: str | Path | None = None,
        passfile: str | Path | None = None,
        **parameters: Any,
    ) -> None:
        server = Server(
            url,
            failed=BeautyspotError,
            busy=BeautyspotError,
            schema=schema,
            timeout=timeout,
            connections=connections,
            sslrootcert=sslrootcert,
            sslcert=sslcert,
            sslkey=sslkey,
            passfile=passfile,
            **parameters,
        )
        self._namespace = column_name("namespace", namespace)
        super().__init__(
            server,
            column_name("limit", limit),
            rate=rate,
            max_cost=max_cost,
            burst=burst,
            workers=workers,
            clock=clock,
        )

    @property
    def _place(self) -> object:
        """One database, one schema and one namespace."""
        parameters = self._server.address.parameters
        return tuple(sorted(parameters.items())), self._server.schema, self._namespace

    def _take(
        self, key: str, limits: Sequence[tuple[str, float, float]], asked: Sequence[float]
    ) -> list[float]:
        names, rates, bursts = zip(*limits, strict=True)
        return self._asked(key, names, rates=rates, bursts=bursts, costs=asked)

    def _change(self, key: str, made: float, taken: float, changes: Mapping[str, float]) -> None:
        if changes:
            seconds = [*changes.values()]
            self._asked(key, [*changes], changes=seconds, made=made, taken=taken, twice=False)

    def _hold(self, key: str, names: Sequence[str], seconds: float) -> None:
        self._asked(key, names, pause=seconds)

    def _asked(
        self,
        key: str,
        names: Sequence[str],
        *,
        rates: Sequence[float] = (),
        bursts: Sequence[float] = (),
        costs: Sequence[float] = (),
        changes: Sequence[float] = (),
        made: float = 0.0,
        taken: float = 0.0,
        pause: float = 0.0,
        twice: bool = True,
    ) -> list[float]:
        """Call the function of the schema that does all of this."""
        if not self._server.is_ready:
            schemas.ensure(self._server)
            self._server.is_ready = True
        clock = None if self._clock is None else self._clock()
        numbers = [[*map(float, each)] for each in (rates, bursts, costs, changes)]
        params = [self._namespace, key, clock, [*names], *numbers, made, taken, pause]
        [[answer]] = self._server.run(_ASK, params, twice=twice)
        return list(answer)

    def examine(self) -> Iterator[Finding]:
        """Whether its server answers, and lets it in; see the base class."""
        from beautyspot_postgres.examination import of_limits  # rarely asked for

        yield from of_limits(self._server, f"limiter {self.name}")
