"""Several limits that a call has to keep at once, such as requests and tokens a minute.

A call takes from all of them or from none, and all its reservations begin at one moment. It is not
enough to reserve in each limit by itself and wait for the latest reservation. A limit whose
reservation begins earlier would count the call at that earlier time, so calls that wait for another
limit would later run together, in a burst that breaks the first. So what was reserved too early is
given back and reserved again at the later time, until all reservations begin together. The time
before stays free for calls that fit there.

When time is given back, the calls that wait are planned anew, in the order in which they asked. So
each of them moves up as far as it can, and only then a new call may take what is left.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase, Reservation, pause_seconds
from beautyspot.errors import ConfigError, CostError, NotSupportedError
from beautyspot.messages import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.units import Pause


SLACK: Final = 0.001
"""Seconds by which the reservations of one call may differ: threads wake up no more exactly."""

MOST: Final = 32
"""Calls that are planned anew when time is given back. It takes 30 us each; those behind follow."""


class CombinedReservation(Reservation):
    """A reservation in several limits, which all begin at one moment.

    Attributes:
        costs: what was reserved in each; `cost` is their sum, which means little.
        parts: the reservation in each.
        due: when it may be used, in seconds of the owner's clock.
        over: it can no longer be given back: used, or given back already.
        seen: how often its owner had got time back when it was planned.
        told: the `due` that its caller was told last, and sleeps for.
        wake: ends the sleep.
    """

    __slots__ = ("costs", "due", "over", "owner", "parts", "seen", "told", "wake")

    def __init__(self, owner: CombinedLimiter, costs: dict[str, float]) -> None:
        super().__init__(0.0, math.fsum(costs.values()))
        self.owner = owner
        self.costs = costs
        self.parts: dict[str, Reservation] = {}
        self.due = self.told = 0.0
        self.over = False
        self.seen = owner.got_back
        self.wake: Callable[[], object] = bool


class CombinedLimiter(LimiterBase):
    """Grants a call when all of its limits do.

    A cost is a table, such as ``{"requests": 1, "tokens": 850}``. A limit that it leaves out, or
    gives as 0, is not asked; at least one has to be. A plain number is refused: it does not say
    which limit it is of.

    Args:
        limits: each limit by its name. The caller closes them.
        clock: gives seconds.

    Attributes:
        limits: see above; not to be changed.
        got_back: how often time was given back while calls waited.

    Raises:
        ConfigError: there is no limit, or one of them can't be combined with others.
    """

    name: ClassVar[str] = "combined"

    def __init__(
        self, limits: Mapping[str, LimiterBase], clock: Callable[[], float] = time.monotonic
    ) -> None:
        for name, limit in limits.items():
            if type(limit).reserve_after is LimiterBase.reserve_after:
                raise ConfigError(
                    f"the limiter {limit.name!r} (named {name!r}) can't be combined with others: "
                    "it has no reserve_after(); use one that has, such as 'gcra'"
                )
        if not limits:
            raise ConfigError("limiter=[] holds no limit: give some, or limiter=None for none")
        self.limits = dict(limits)
        self.got_back = 0
        self._clock = clock
        self._owned: tuple[LimiterBase, ...] = ()
        vars(self).update(
            blocking=any(limit.blocking for limit in limits.values()),
            shared=all(limit.shared for limit in limits.values()),
            remote=all(limit.remote for limit in limits.values()),
            workers=max(limit.workers for limit in limits.values()),
        )
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Make a new lock: the child's copy stays locked if another thread held it at the fork.

        Who waits stayed in the parent.
        """
        self._lock = threading.RLock()
        self._waiting: dict[CombinedReservation, None] = {}  # in the order in which they asked
        self._pending = False  # whether those who wait have to be planned anew
        self._more = False  # whether there are more than `MOST`, who could move up as well

    # ------------------------------------------------------------------------------ costs

    def check_cost(self, cost: object) -> None:
        """Refuse a table that `reserve` would refuse; see `LimiterBase.check_cost`.

        A part of the table may be a function of the call's arguments, which is not asked here.
        """
        for name, part in self._costs(cost).items():
            if not callable(part):
                self.limits[name].check_cost(part)

    def _costs(self, cost: object) -> dict[str, Any]:
        """The parts of a cost that are not 0.

        Raises:
            CostError: it is no table, names an unknown limit, or has no such part.
        """
        table = self._table("cost", cost)
        costs = {
            name: part
            for name, part in table.items()
            if type(part) not in (int, float) or part != 0
        }
        if not costs:
            raise CostError(
                f"cost={cost!r:.80} asks no limit: give a cost to one of {listing(self.limits)}"
            )
        return costs

    def _table(self, what: str, cost: object) -> Mapping[str, Any]:
        if not isinstance(cost, Mapping):
            example = ", ".join(f'"{name}": 1' for name in self.limits)
            raise CostError(
                f"{what}={cost!r:.80} does not say of which limit: give a table such as "
                f"{{{example}}}"
            )
        for name in cost:
            if name not in self.limits:
                raise CostError(
                    f"{what}= names the limit {name!r:.80}, which is not there."
                    f"{did_you_mean(str(name), self.limits)} The limits: {listing(self.limits)}"
                )
        return cost

    # ---------------------------------------------------------------------------- reserve

    def reserve(self, cost: Any = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve at the earliest time that is free in all limits; see `LimiterBase.reserve`.

        Raises:
            CostError: `cost` is no table, names no limit or an unknown one, or one of its costs is
                not possible. Nothing is reserved then.
        """
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def reserve_after(
        self, cost: Any, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve`, at the earliest time that is `seconds` away or more."""
        joint = CombinedReservation(self, self._costs(cost))
        now = self._clock()
        latest = None if max_wait is None else now + max_wait
        with self._lock:
            self._move_up_if_pending()
            if not self._plan(joint, now + seconds, latest):
                return None
        joint.delay = max(0.0, joint.due - now)
        if joint.delay <= SLACK and not seconds and not any(r.delay for r in joint.parts.values()):
            joint.delay = 0.0  # the time that reserving took is no wait
        return joint

    def _plan(self, joint: CombinedReservation, begin: float, latest: float | None) -> bool:
        """Reserve in all limits at the earliest common moment; nothing where that is too late."""
        begins = dict.fromkeys(joint.costs, -math.inf)  # when each part begins
        try:
            while min(begins.values()) < begin - SLACK:
                name = min(begins, key=begins.__getitem__)
                self._give_back(joint, name)
                now = self._clock()
                part = self.limits[name].reserve_after(
                    joint.costs[name],
                    max(0.0, begin - now),
                    max_wait=None if latest is None else max(0.0, latest - now),
                )
                if part is None:
                    self._give_back(joint, *joint.parts)
                    return False
                joint.parts[name], begins[name] = part, now + part.delay
                begin = max(begin, begins[name])
        except BaseException:
            self._give_back(joint, *joint.parts)
            raise
        joint.due = begin
        return True

    def _give_back(self, joint: CombinedReservation, *names: str) -> None:
        """Free what is reserved in these limits."""
        for name in names:
            part = joint.parts.pop(name, None)
            if part is not None:
                limit = self.limits[name]
                limit.release(part)
                with suppress(NotSupportedError):
                    limit.settle(part, 0.0)  # after `remaining`, it may count as used

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; see `LimiterBase.remaining`.

        Where one limit moved its part, by a pause or because the machine slept, all parts are
        reserved anew, so that they begin together again.
        """
        joint = self._own(reservation)
        now = self._clock()
        with self._lock:
            self._move_up_if_pending()
            if not joint.over and joint.due <= now:
                self._look_again(joint, now)
            joint.told = joint.due
            return 0.0 if joint.over else joint.due - now

    def _look_again(self, joint: CombinedReservation, now: float) -> None:
        left = [self.limits[name].remaining(part) for name, part in joint.parts.items()]
        if not left or max(left) - min(left) > SLACK:  # none: a limit failed while it moved up
            self._give_back(joint, *joint.parts)
            self._plan(joint, now, None)
        else:
            joint.due = now + max(left)
        joint.over = joint.due <= now
        if joint.over:
            self._leave(joint)

    # --------------------------------------------------------------------------- moving up

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """Move a call up where others give time back, and `wake` it; not with limits that block."""
        joint = self._own(reservation)
        if self.blocking or joint.over:
            return False
        with self._lock:
            joint.wake, joint.told = wake, joint.due
            self._waiting[joint] = None
            if joint.seen != self.got_back:
                self._move_up(joint)
        return True

    def _got_back(self) -> None:
        """Wake the first of those who wait: it looks, and all move up.

        So a thousand calls that are cancelled together cause one new plan, and no thousand.
        """
        self.got_back += 1
        first = next(iter(self._waiting), None)
        if first is not None:
            self._pending = True
            first.wake()

    def _move_up_if_pending(self) -> None:
        if self._pending:
            self._pending = False
            self._move_up(*islice(self._waiting, MOST))
            self._more = len(self._waiting) > MOST

    def _leave(self, joint: CombinedReservation) -> None:
        """Let one wait no longer; those behind the first `MOST` come nearer."""
        self._waiting.pop(joint, None)
        if self._more:
            self._got_back()

    def _move_up(self, *joints: CombinedReservation) -> None:
        """Plan some of those who wait anew, and wake who may go sooner than it was told."""
        for joint in joints:
            if joint.due > self._clock():  # else it is about to go
                with suppress(Exception):  # its own caller will meet the error, and tell
                    self._move(joint)
            if joint.due < joint.told - SLACK:
                joint.told = joint.due
                joint.wake()

    def _move(self, joint: CombinedReservation) -> None:
        if self._gives_back_whole:
            self._give_back(joint, *joint.parts)
            self._plan(joint, self._clock(), None)
            return
        left = [self.limits[name].remaining(part) for name, part in joint.parts.items()]
        joint.due = self._clock() + max(left)  # later than planned, if there was a pause
        better = CombinedReservation(self, joint.costs)
        if self._plan(better, self._clock(), joint.due - 2 * SLACK):
            joint.parts, better.parts = better.parts, joint.parts
            joint.due = better.due
            self._give_back(better, *better.parts)

    @property
    def _gives_back_whole(self) -> bool:
        """Whether what is given back can be reserved again at once.

        Otherwise another process could take it, or a limit that reuses no gaps lose it.
        """
        moves = LimiterBase.wake_early
        return not any(x.shared or type(x).wake_early is moves for x in self.limits.values())

    def wait_for(self, cost: Any = 1) -> float:
        """Seconds until the slowest of the limits could grant its part; never too many.

        It may take longer, since all parts have to begin together.
        """
        return max(self.limits[name].wait_for(part) for name, part in self._costs(cost).items())

    # --------------------------------------------------------------------------- afterwards

    def _mark_used(self, reservation: Reservation) -> None:
        joint = self._own(reservation)
        joint.over = True
        if joint in self._waiting:  # if the clock stands still
            with self._lock:
                self._leave(joint)

    def release(self, reservation: Reservation) -> None:
        """Give back all parts of a reservation that will not be used. A second call does nothing.

        Raises:
            ConfigError: it is another limiter's reservation.
        """
        joint = self._own(reservation)
        with self._lock:
            if not joint.over:
                joint.over = True
                self._give_back(joint, *joint.parts)
                self._waiting.pop(joint, None)
                self._got_back()

    def settle(self, reservation: Reservation, real_cost: Any) -> None:
        """Correct the parts that the table `real_cost` names; the others stay as they are.

        Raises:
            CostError: `real_cost` is no table, or names a limit of which nothing was reserved.
            ConfigError: it is another limiter's reservation.
        """
        joint = self._own(reservation)
        for name, number in self._table("real_cost", real_cost).items():
            if name in joint.parts:
                self.limits[name].settle(joint.parts[name], number)
            elif not joint.over or name not in joint.costs:
                raise CostError(
                    f"real_cost= names the limit {name!r}, of which the call reserved nothing: "
                    "give an estimate in its cost="
                )
        if joint.parts:
            with self._lock:
                self._got_back()

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so many seconds, in all limits; see `LimiterBase.pause`."""
        length = pause_seconds(seconds)
        with self._lock:  # so that no call is planned while only some of the limits pause
            for limit in self.limits.values():
                limit.pause(length)

    def share(self) -> LimiterBase | None:
        """The share of each limit that has one, together with the others."""
        shares = {name: limit.share() for name, limit in self.limits.items()}
        if not any(shares.values()):
            return None
        limits = {name: shares[name] or limit for name, limit in self.limits.items()}
        return CombinedLimiter(limits, self._clock)

    def for_key(self, key: str) -> CombinedLimiter:
        """Limits like these, fresh, for what `key` names; see `LimiterBase.for_key`."""
        limits = {name: limit.for_key(key) for name, limit in self.limits.items()}
        combined = CombinedLimiter(limits, self._clock)
        combined._owned = tuple(limits.values())
        return combined

    def of_each(self, change: Callable[[LimiterBase], LimiterBase]) -> CombinedLimiter:
        """The same of what `change` makes of each limit."""
        limits = {name: change(limit) for name, limit in self.limits.items()}
        same = all(limit is self.limits[name] for name, limit in limits.items())
        return self if same else CombinedLimiter(limits, self._clock)

    def close(self) -> None:
        """Close the limits that were made for it, as those of a key are."""
        for limit in self._owned:
            limit.close()

    def busy_for(self) -> float:
        """Seconds until all that is reserved in any of the limits has passed."""
        return max(limit.busy_for() for limit in self.limits.values())

    def _busy_here(self) -> float:
        return max(limit._busy_here() for limit in self.limits.values())

    def _own(self, reservation: Reservation) -> CombinedReservation:
        if not isinstance(reservation, CombinedReservation) or reservation.owner is not self:
            raise ConfigError(
                f"{reservation!r:.80} is not of this limiter: hand it to the one that granted it"
            )
        return reservation


class JoinedLimiter(CombinedLimiter):
    """Grants a call when all of its limits do, as `CombinedLimiter`, which checks the costs.

    Args:
        limits: each limit by its name. The caller closes them.
        joint: what `LimiterBase.together` of their class made of them.
    """

    name: ClassVar[str] = "joined"

    def __init__(self, limits: Mapping[str, LimiterBase], joint: LimiterBase) -> None:
        super().__init__(limits)
        self._joint = joint

    def reserve_after(
        self, cost: Any, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve`, at the earliest time that is `seconds` away or more."""
        costs: Any = self._costs(cost)
        if not seconds:
            return self._joint.reserve(costs, max_wait=max_wait)
        return self._joint.reserve_after(costs, seconds, max_wait=max_wait)

    def _reserve_within(self, cost: Any, timeout: float | None) -> Reservation:
        costs: Any = self._costs(cost)
        return self._joint._reserve_within(costs, timeout)

    def wait_for(self, cost: Any = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now."""
        costs: Any = self._costs(cost)
        return self._joint.wait_for(costs)

    def remaining(self, reservation: Reservation) -> float:
        """See `LimiterBase.remaining`."""
        return self._joint.remaining(reservation)

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """See `LimiterBase.wake_early`."""
        return self._joint.wake_early(reservation, wake)

    def _mark_used(self, reservation: Reservation) -> None:
        self._joint._mark_used(reservation)

    def release(self, reservation: Reservation) -> None:
        """See `LimiterBase.release`."""
        self._joint.release(reservation)

    def settle(self, reservation: Reservation, real_cost: Any) -> None:
        """Correct the parts that the table `real_cost` names; the others stay as they are."""
        costs: Any = self._table("real_cost", real_cost)
        self._joint.settle(reservation, costs)

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so many seconds, in all limits; see `LimiterBase.pause`."""
        self._joint.pause(seconds)

    def busy_for(self) -> float:
        """Seconds until all that is reserved in any of the limits has passed."""
        return self._joint.busy_for()

    def for_key(self, key: str) -> JoinedLimiter:
        """Limits like these, fresh, for what `key` names; see `LimiterBase.for_key`."""
        limits = {name: limit.for_key(key) for name, limit in self.limits.items()}
        made = JoinedLimiter(limits, self._joint.for_key(key))
        made._owned = tuple(limits.values())
        return made
