"""`RemoteLimiter`: limits in a server, whichever it is."""

from __future__ import annotations

from abc import abstractmethod
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Grant, LimiterBase, checked

from beautyspot_local.rate import parse_rate
from beautyspot_local.remote.remade import Remade

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beautyspot.contracts import Context, Rate


MOST: Final = 256
"""Calls that a server is asked for at a time, which answers nobody else meanwhile."""


class RemoteLimiter(Remade, LimiterBase):
    """Limits that a server keeps for all processes that name them, by the server's clock.

    The server keeps, of each limit and key, what a `beautyspot.contracts.Schedule` keeps.

    Args:
        server: is connected to; see `Remade`.
        limit: the name of the limit in the server.
        rate, max_cost, burst, workers, clock: as of `RedisLimiter`.

    Attributes:
        rate: permits per second. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    blocking = True
    shared = True
    remote = True

    def __init__(
        self,
        server: Any,
        limit: str,
        *,
        rate: str | float,
        max_cost: float | None,
        burst: float,
        workers: int,
        clock: Callable[[], float] | None,
    ) -> None:
        self.limits: Mapping[str, Rate] = {"rate": parse_rate(rate, max_cost, burst)}
        self.rate, self.max_cost, self.burst = self.limits["rate"]
        self.workers = checked.count("workers", workers)
        self._server = server
        self._names = {"rate": checked.name("limit", limit)}  # in the server
        self._clock = clock

    @abstractmethod
    def _take(
        self, key: str, limits: Sequence[tuple[str, float, float]], asked: Sequence[float]
    ) -> Sequence[float]:
        """Do what `Schedule.take` does, at once for all who ask.

        Args:
            key: a digest of the key; "" is none.
            limits: of each its name in the server, its rate and its burst, both per second and as
                a cost.
            asked: the cost of each call in each of the limits, call by call; 0.0 where it asks
                nothing of that.

        Returns:
            The seconds that the first call would have to wait that does not begin, or 0.0; when
            what is kept for the key was made; then of each call that does begin its delay, and the
            seconds that were taken in all since then: see `Schedule.taken`.
        """

    @abstractmethod
    def _change(self, key: str, made: float, taken: float, changes: Mapping[str, float]) -> None:
        """Do what `Schedule.give_back` does: so many seconds more of each limit, or less.

        It must not be sent again where it is not known whether it was done.

        Args:
            key: as above.
            made, taken: as they were answered to the call.
            changes: the seconds, by the limit's name in the server.
        """

    @abstractmethod
    def _hold(self, key: str, names: Sequence[str], seconds: float) -> None:
        """Let these limits grant nothing for so long, of a key or of all (""); pauses overlap."""

    @property
    @abstractmethod
    def _place(self) -> object:
        """Where the limits are kept: those of one place may be asked at once."""

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name as the namespace, and the name of the limit where there are several."""
        return {"namespace": context.name, "limit": context.part or "rate"}

    @classmethod
    def together(cls, limits: Mapping[str, Any]) -> LimiterBase | None:
        """One limiter of all of these; None where they are of several servers or namespaces."""
        ones = list(limits.values())
        names = {name: one._names["rate"] for name, one in limits.items()}
        if len({one._place for one in ones}) > 1 or len(set(names.values())) < len(names):
            return None
        joint = object.__new__(cls)  # `copy` would do as pickle does: see `remade`
        vars(joint).update(vars(ones[0]), _names=names)
        vars(joint).pop("_lines", None)  # who waits for the first one does not wait for this
        joint.limits = {name: one.limits["rate"] for name, one in limits.items()}
        joint.workers = max(one.workers for one in ones)
        return joint

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """See `LimiterBase.take`."""
        limits = [
            (self._names[name], rate.per_second, rate.burst) for name, rate in self.limits.items()
        ]
        costs = [costs.get(name, 0.0) for costs in asked[:MOST] for name in self.limits]
        wait, made, *answers = self._take(_digest(key), limits, costs)
        grants = [
            Grant(delay, costs, key, (made, taken))
            for delay, taken, costs in zip(answers[::2], answers[1::2], asked, strict=False)
        ]
        return grants, wait

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """See `LimiterBase.give_back`."""
        changes = {
            self._names[name]: (cost - grant.costs[name]) / self.limits[name].per_second
            for name, cost in real.items()
        }
        made, taken = grant.stamp
        self._change(_digest(grant.key), made, taken, changes)

    def hold(self, seconds: float, key: str = "") -> None:
        """See `LimiterBase.hold`."""
        self._hold(_digest(key), list(self._names.values()), seconds)

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        self._server.close()


def _digest(key: str) -> str:
    return key and sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
