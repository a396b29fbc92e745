"""`RedisLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from beautyspot.contracts import LimiterBase, Reservation

from beautyspot_redis.server import Server


class RedisLimiter(LimiterBase):
    """A limiter in Redis or Valkey: GCRA as reservations, in the order of asking.

    Args:
        url: of the server; see `beautyspot_redis.server`.
        rate: such as ``"600/min"``.
    """

    name = "redis"
    schemes = ("redis", "rediss", "valkey", "valkeys")
    keeps_deadlines = True
    remote = True

    def __init__(self, url: str, *, rate: str | float) -> None:
        self._server = Server(url)
        self.rate = rate

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """See the base class."""
        raise NotImplementedError

    def release(self, reservation: Reservation) -> None:
        """See the base class."""
        raise NotImplementedError
