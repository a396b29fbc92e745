"""`RedisLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot_local.rate import checked_cost, parse_burst, parse_rate

from beautyspot_redis import checked
from beautyspot_redis.address import SCHEMES
from beautyspot_redis.names import Names
from beautyspot_redis.remade import Remade, remembered
from beautyspot_redis.reserving import Limit, Reserving
from beautyspot_redis.server import Server
from beautyspot_redis.slots import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path

    from beautyspot import Finding
    from beautyspot.contracts import Context, Lease, LimiterBase

    from beautyspot_redis.reserving import Reserved


class RedisLimiter(Remade, Reserving):
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
        lease_time: for how long a place of `try_slot` is held when its process no longer renews
            it: seconds, or a text such as ``"1 min"``.
        timeout: seconds within which the server has to answer.
        retries: how often a command is sent once more whose connection broke.
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
    slots = True
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
        lease_time: float | str | timedelta = 30.0,
        timeout: float | str | timedelta = 5.0,
        retries: int = 1,
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
        self.rate: float
        self.max_cost: float
        self.rate, self.max_cost = parse_rate(rate, max_cost)
        self.burst = parse_burst(burst)
        self.workers = _checked_workers(workers)
        self.lease_time = checked.lease_time(lease_time)
        server = Server(
            url,
            failed=BeautyspotError,
            busy=BeautyspotError,
            timeout=timeout,
            retries=retries,
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
        self._limit = checked.name("limit", limit)
        prefix = Names(checked.name("namespace", namespace)).limits
        keys = f"{prefix}:state:{limit}", f"{prefix}:pause:{limit}"
        one = Limit(*keys, self.rate, self.burst / self.rate, self.max_cost)
        super().__init__(server, {limit: one}, prefix, clock)
        self._slots = Slots(server, prefix, self.lease_time, clock)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name as the namespace, and the name of the limit where there are several."""
        namespace = context.name.removesuffix(f".{context.part}") if context.part else context.name
        return {"namespace": namespace, "limit": context.part or "rate"}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The URL itself."""
        return {"url": url}

    def _costs(self, cost: Any) -> dict[str, float]:
        return {self._limit: checked_cost(cost, self.max_cost)}

    def _real_costs(self, reserved: Reserved, real_cost: Any) -> Mapping[str, Any]:
        del reserved
        return {self._limit: real_cost}

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        return float(self._look()[1])

    def try_slot(self, name: str, size: int) -> Lease | None:
        """One of `size` places for calls under way at once; see `LimiterBase.try_slot`."""
        return self._slots.take(name, size)

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Have these places be held for another `lease_time`; those that were lost."""
        return self._slots.renew([lease for lease in leases if isinstance(lease, Slot)])

    def share(self) -> LimiterBase:
        """This process's part of the rate, in its own memory."""
        from beautyspot_local import TokenBucket

        part = self.workers
        return TokenBucket(self.rate / part, self.max_cost, burst=self.burst / part)

    @classmethod
    def together(cls, limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
        """These limits at once, in one round trip, if they are of one server and one namespace."""
        from beautyspot_redis.several import Several

        ours = {name: each for name, each in limits.items() if isinstance(each, cls)}
        return Several.of(ours) if len(ours) == len(limits) else None

    def examine(self) -> Iterator[Finding]:
        """Whether its server answers; see the base class."""
        from beautyspot_redis.examination import of_answers  # rarely asked for

        with self._server.translated:
            yield from of_answers(self._server.masters(), f"limiter {self.name}")

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        if not self._is_keyed:  # else they are those of the limiter that made it
            self._server.close()


def _checked_workers(workers: object) -> int:
    if type(workers) is not int or workers < 1:
        raise ConfigError(
            f"workers={workers!r:.80} is no whole number from 1 up: give the number of processes "
            "that share the rate"
        )
    return workers
