"""Callers that wait for a limiter by a clock that the test owns, in threads and in event loops."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from gates import DEADLINE, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.concurrency.waiting import Alarm, Bell
    from beautyspot.contracts import LimiterBase


class Room:
    """A clock, and callers that sleep by it. Call it for the time in seconds.

    Attributes:
        granted: the number of each caller that was let go, and when, in seconds from the beginning.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = self.began = now
        self.granted: list[tuple[int, float]] = []
        self._asleep: dict[int, tuple[float, Callable[[], object]]] = {}
        self._rung: set[int] = set()
        self._callers: list[Caller] = []
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}

    def __call__(self) -> float:
        return self.now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number in list(self._asleep):
            self.leave(number)
        for loop in self._loops.values():
            loop.call_soon_threadsafe(loop.stop)

    def house(self, limiter: LimiterBase) -> Any:
        """The limiter, whose callers sleep here."""
        wake_early = limiter.wake_early

        def noted(reservation: Any, wake: Any) -> bool:
            if threading.current_thread() is threading.main_thread():
                return wake_early(reservation, wake)  # the test itself, and no caller of the room
            return wake_early(reservation, self._ringing(_number(), wake))

        limiter.wake_early = noted  # type: ignore[method-assign]
        limiter._doze = self._doze  # type: ignore[method-assign]
        limiter._doze_async = self._doze_async  # type: ignore[method-assign]
        return limiter

    @property
    def asleep(self) -> dict[int, float]:
        """Until when each caller sleeps, in seconds from the beginning."""
        return {number: when - self.began for number, (when, _) in sorted(self._asleep.items())}

    def advance(self, seconds: float) -> None:
        """Let time pass, and those wake up who are due."""
        self.settle()
        self.now += seconds
        for number, (when, wake) in list(self._asleep.items()):
            if when <= self.now:
                self._ringing(number, wake)()
        self.settle()

    def settle(self) -> None:
        """Wait until all callers that were woken sleep again, or have ended."""
        until(lambda: all(self._rests(caller) for caller in self._callers))

    def _rests(self, caller: Caller) -> bool:
        number = caller.number
        return caller.is_over or (number in self._asleep and number not in self._rung)

    def _ringing(self, number: int, wake: Callable[[], object]) -> Callable[[], object]:
        def ring() -> None:
            self._rung.add(number)
            wake()

        return ring

    def ask(self, limiter: LimiterBase, cost: Any = 1, *, by: str = "thread") -> int:
        """A caller that asks, in a thread or in the event loop of that name; its number, from 0."""
        caller = Caller(self, limiter, cost, len(self._callers))
        self._callers.append(caller)
        if by == "thread":
            threading.Thread(target=caller.run, name=f"caller {caller.number}", daemon=True).start()
        else:
            loop = self._loop(by)
            loop.call_soon_threadsafe(caller.begin, loop)
        self.settle()
        return caller.number

    def leave(self, number: int) -> None:
        """Interrupt or cancel one who waits, and wait until it is gone."""
        caller = self._callers[number]
        caller.interrupt(self._asleep[number][1])
        until(lambda: caller.is_over)
        self.settle()

    def _loop(self, name: str) -> asyncio.AbstractEventLoop:
        if name not in self._loops:
            loop = self._loops[name] = asyncio.new_event_loop()

            def run() -> None:
                loop.run_forever()
                loop.close()

            threading.Thread(target=run, daemon=True).start()
        return self._loops[name]

    def _doze(self, seconds: float, bell: Bell) -> bool:
        number = _number()
        self._asleep[number] = (self.now + seconds, bell)
        woken = bell.wait(DEADLINE)
        self._wake_up(number)
        if self._callers[number].is_leaving or not woken:
            raise KeyboardInterrupt
        return True

    async def _doze_async(self, seconds: float, alarm: Alarm) -> bool:
        number = _number()
        self._asleep[number] = (self.now + seconds, alarm)
        try:
            return await alarm.wait(DEADLINE)
        finally:
            self._wake_up(number)

    def _wake_up(self, number: int) -> None:
        del self._asleep[number]
        self._rung.discard(number)


def _number() -> int:
    name = threading.current_thread().name
    if not name.startswith("caller "):
        task = asyncio.current_task()
        assert task is not None
        name = task.get_name()
    return int(name.removeprefix("caller "))


class Caller:
    """One who asks for a permit."""

    def __init__(self, room: Room, limiter: LimiterBase, cost: Any, number: int) -> None:
        self.number = number
        self.is_over = self.is_leaving = False
        self._room, self._limiter, self._cost = room, limiter, cost
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Ask in this thread."""
        try:
            self._limiter.consume(self._cost)
            self._note()
        except KeyboardInterrupt:
            pass
        finally:
            self.is_over = True

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask in a task."""
        self._task = loop.create_task(self._run(), name=str(self.number))

    async def _run(self) -> None:
        try:
            await self._limiter.consume_async(self._cost)
            self._note()
        except asyncio.CancelledError:
            pass
        finally:
            self.is_over = True

    def _note(self) -> None:
        self._room.granted.append((self.number, self._room.now - self._room.began))

    def interrupt(self, wake: Callable[[], object]) -> None:
        """Have it give up."""
        self.is_leaving = True
        if self._task is None:
            wake()
        else:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
