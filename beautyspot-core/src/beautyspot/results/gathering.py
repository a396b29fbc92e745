"""Look-ups that are made at once go to the store together: those of threads.

A look-up goes out as it comes while few are under way, so that a lone caller waits for nobody.
Those that come meanwhile wait until one of these has ended, and then go out as one batch. None
joins a batch that has gone out: what that finds may have been invalidated before the look-up came.

Of the threads that wait, the first one asks for all. One that waits for longer than a store should
take asks all the same, so that no lost wake-up stops it for good. Tasks are gathered apart, in
`task_lookups.py`.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from beautyspot.concurrency import locks
from beautyspot.concurrency.waiting import Bell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Answer = Mapping[str, "T"] | Exception
    """To a batch: what was found, by key, or what was raised."""

T = TypeVar("T")
W = TypeVar("W")

AT_ONCE: Final = 2
"""Batches under way: while one waits for the network, the results of another are used."""

LARGEST: Final = 1000
"""Keys of a batch, at most."""

PATIENCE: Final = 1.0
"""Seconds for which a thread waits until its batch goes out."""

LONGEST: Final = 60.0
"""Seconds for which it waits for the answer to a batch that has gone out."""


class Gathering(Generic[T, W]):
    """What threads and tasks have in common.

    Args:
        find: what is stored under a key, or None.
        find_many: the same for several keys, less those without anything.
    """

    def __init__(
        self,
        find: Callable[[str], T | None],
        find_many: Callable[[list[str]], Mapping[str, T]],
    ) -> None:
        self._find = find
        self._find_many = find_many
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Forget all callers that wait: they stayed in the parent."""
        self._waiting: deque[W] = deque()

    def _next(self, most: int) -> list[W]:
        """Take out the callers that have waited longest. Each step is atomic, and needs no lock."""
        batch: list[W] = []
        with suppress(IndexError):
            while len(batch) < most:
                batch.append(self._waiting.popleft())
        return batch

    def _ask(self, keys: set[str]) -> Mapping[str, T]:
        if len(keys) > 1:
            return self._find_many(list(keys))
        answers = {key: self._find(key) for key in keys}
        return {key: answer for key, answer in answers.items() if answer is not None}


class _Caller(Generic[T]):
    """A thread that waits.

    Attributes:
        key: that it looks up.
        bell: wakes it.
        answer: to its batch; None where it is to lead one.
        has_gone_out: whether its batch has.
        waits: acquired once and for good, by what ends the wait first: the thread itself, or the
            end of another batch, which has it lead the next one.
    """

    __slots__ = ("answer", "bell", "has_gone_out", "key", "waits")

    def __init__(self, key: str) -> None:
        self.key = key
        self.bell = Bell()
        self.answer: Answer[T] | None = None
        self.has_gone_out = False
        self.waits = threading.Lock()

    def tell(self, answer: Answer[T]) -> None:
        """Wake it with the answer."""
        self.answer = answer
        self.bell()

    def leads(self) -> bool:
        """Wake it to lead; False where it waits no more."""
        if not self.waits.acquire(blocking=False):
            return False
        self.bell()
        return True


class ThreadLookups(Gathering[T, _Caller[T]]):
    """The look-ups of threads."""

    def reset_after_fork(self) -> None:
        """See the base class."""
        super().reset_after_fork()
        self._places = [True] * AT_ONCE  # as many batches may go out now

    def find(self, key: str) -> T | None:
        """What is stored under a key, asked after this call began.

        Raises:
            Exception: what was raised for the key, or for the batch that it was in.
        """
        if not self._may_go_out():
            return self._wait(key)
        try:
            return self._find(key)
        finally:
            self._pass_on()

    def _may_go_out(self) -> bool:
        try:
            return self._places.pop()
        except IndexError:
            return False

    def _pass_on(self) -> None:
        """Have the first caller that waits lead the next batch; where none does, free the place."""
        while True:
            if not self._waiting:
                if len(self._places) < AT_ONCE:  # else a caller went out without a place
                    self._places.append(True)
                if not (self._waiting and self._may_go_out()):
                    return
            if any(caller.leads() for caller in self._next(1)):
                return

    def _wait(self, key: str) -> T | None:
        if locks.inside():  # the leader may wait for a lock of the code that this interrupts
            return self._find(key)
        me: _Caller[T] = _Caller(key)
        try:
            self._waiting.append(me)
            if self._may_go_out():  # a place became free just before
                self._pass_on()
            if not me.bell.wait(PATIENCE) and me.has_gone_out:
                me.bell.wait(LONGEST)
        except BaseException:
            if not me.waits.acquire(blocking=False):  # it was to lead
                self._pass_on()
            raise
        answer = me.answer
        try:
            if answer is None:
                me.waits.acquire(blocking=False)
                return self._lead(key)
            if isinstance(answer, Exception):
                raise answer
            return answer.get(key)
        finally:
            del me, answer  # an error in it refers to this frame: a cycle for the collector

    def _lead(self, key: str) -> T | None:
        """Ask for this key, and for those of all callers that wait."""
        callers = self._next(LARGEST - 1)
        try:
            for caller in callers:
                caller.has_gone_out = True
            found = self._ask({key, *[caller.key for caller in callers]})
            for caller in callers:
                caller.tell(found)
            return found.get(key)
        except Exception as error:
            for caller in callers:
                caller.tell(error)
            raise
        except BaseException:  # interrupted (Ctrl-C): the next one leads
            self._waiting.extendleft([each for each in callers[::-1] if each.answer is None])
            raise
        finally:
            self._pass_on()
            del callers  # as above
