"""`PostgresLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.contracts import checked
from beautyspot.errors import BeautyspotError
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_local.remote.remade import remembered

from beautyspot_postgres.address import SCHEMES
from beautyspot_postgres.limits import Limits, short
from beautyspot_postgres.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding


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
        name = short(checked.name("limit", limit))
        super().__init__(
            server,
            Limits(server, checked.name("namespace", namespace)),
            limit,
            key=name,
            pause_key=name,
            rate=rate,
            max_cost=max_cost,
            burst=burst,
            workers=workers,
            clock=clock,
        )

    def examine(self) -> Iterator[Finding]:
        """Whether its server answers, and lets it in; see the base class."""
        from beautyspot_postgres.examination import of_limits  # rarely asked for

        yield from of_limits(self._server, f"limiter {self.name}")
