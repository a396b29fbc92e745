"""`RedisLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot import Finding
from beautyspot.contracts import checked
from beautyspot.errors import BeautyspotError
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_local.remote.remade import remembered

from beautyspot_redis.address import SCHEMES
from beautyspot_redis.limits import Limits
from beautyspot_redis.scripts import NOW
from beautyspot_redis.server import Server, prefix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path


class RedisLimiter(RemoteLimiter):
    """A limiter in Redis or Valkey: one rate for all processes that name the same limit.

    Permits are spaced evenly (GCRA), in the order of asking, by the server's clock: those of the
    machines do not matter. A permit that is granted at once takes one round trip, another one a
    second when its time has come. What a call gives back goes to the next that asks and fits.

    Args:
        url: of the server; see `beautyspot_redis.address`. None is the environment's `REDIS_URL`.
        rate: ``"600/min"``, ``"10/s"``, ``"5/2s"``, or a number per second. All processes that
            share the limit should give the same.
        max_cost: the largest single cost. Default: the number in the text (``"600/min"``: 600) or
            per second, and at least 1.
        burst: how much may go at once after idling, beyond the call that always may; default none.
        namespace: keeps limits of the same name apart; default the Spot's name.
        limit: the name of the limit within it.
        workers: how many processes share the rate. While the server can't be reached, each keeps to
            its part of it.
        timeout: seconds within which the server has to answer.
        retries: how often a command is sent once more whose connection broke.
        connections: how many of them this process opens at most.
        db, username, password: as in the URL.
        sentinel_username, sentinel_password: what the Sentinels ask for.
        ssl_ca_certs, ssl_certfile, ssl_keyfile: files of certificates, for TLS.
        ssl_check_hostname: whether the server's certificate has to name its host.
        clock: gives seconds, for tests; default the server's clock.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    name = "redis"
    schemes = SCHEMES

    @remembered
    def __init__(
        self,
        url: str | None = None,
        *,
        rate: str | float,
        max_cost: float | None = None,
        burst: float = 0.0,
        namespace: str = "beautyspot",
        limit: str = "rate",
        workers: int = 1,
        timeout: float | str | timedelta = 5.0,
        retries: int = 1,
        connections: int = 10,
        db: int | None = None,
        username: str | None = None,
        password: str | None = None,
        sentinel_username: str | None = None,
        sentinel_password: str | None = None,
        ssl_ca_certs: str | Path | None = None,
        ssl_certfile: str | Path | None = None,
        ssl_keyfile: str | Path | None = None,
        ssl_check_hostname: bool = True,
        clock: Callable[[], float] | None = None,
    ) -> None:
        server = Server(
            url,
            failed=BeautyspotError,
            busy=BeautyspotError,
            timeout=timeout,
            retries=retries,
            connections=connections,
            db=db,
            username=username,
            password=password,
            sentinel_username=sentinel_username,
            sentinel_password=sentinel_password,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_check_hostname=ssl_check_hostname,
        )
        self._prefix = prefix = f"{prefix_of(checked.name('namespace', namespace))}limit"
        super().__init__(
            server,
            Limits(server, prefix),
            checked.name("limit", limit),
            key=f"{prefix}:state:{limit}",
            pause_key=f"{prefix}:pause:{limit}",
            rate=rate,
            max_cost=max_cost,
            burst=burst,
            workers=workers,
            clock=clock,
        )

    def examine(self) -> Iterator[Finding]:
        """Whether its server answers; see the base class."""
        with self._server.failures:
            self._server.run(NOW, [self._prefix])
        yield Finding("ok", f"limiter {self.name}", "its server answers")
