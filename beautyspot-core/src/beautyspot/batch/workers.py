"""`Workers`: the threads of a map.

They are daemon threads: one that never returns must not keep the interpreter from ending. So
whoever begins them waits for their calls (`join`), also at the end of the process.
"""

from __future__ import annotations

import itertools
import threading
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from beautyspot.batch.items import Item

    class Calling(Protocol):
        """What makes the calls of a map. Its methods are called in the thread of the map."""

        @property
        def is_busy(self) -> bool:
            """Whether an item is under way, or waits for its turn."""
            ...

        @property
        def is_broken(self) -> bool:
            """Whether no item can be called any more."""
            ...

        def submit(self, item: Item) -> None:
            """Call it in its turn."""

        def forget(self, item: Item) -> None:
            """Note that an item is done."""

        def begun(self) -> list[Item]:
            """Those under way, the first one first."""
            ...

        def give_up(self, item: Item) -> bool:
            """Wait no longer for an item under way; False where it has just been done."""
            ...

        def replace(self) -> None:
            """Have others begin in the places of those that were given up."""

        def withdraw(self) -> None:
            """Have nothing new begin: stop what waits for its permit, too."""

        def stop(self) -> None:
            """Have nothing new begin, ever."""

        def join(self) -> None:
            """Wait for what is under way; after `stop`."""

    Done = tuple[Calling, Item, Any, BaseException | None]


NOT_BEGUN: Final = object()
"""In place of a result: the item was taken, and not begun, since the map ends."""


class Workers:
    """Threads that do something with items, each of which is put into `done` with what came of it.

    A thread is started when there is an item that no other one is free for.

    Args:
        name: of the threads.
        most: how many there may be.
        work: what is done with an item.
        done: gets the item, and what that returned or raised.
        failures: so many may be; one more, and nothing new begins. None is any number.
    """

    is_broken = False

    def __init__(
        self,
        name: str,
        most: int,
        work: Callable[[Item], Any],
        done: SimpleQueue[Done],
        *,
        failures: int | None = None,
    ) -> None:
        self._name, self._most = name, most
        self._work, self._done = work, done
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._threads: dict[threading.Thread, None] = {}
        self._open: dict[Item, None] = {}  # those that are not done; what is waited for
        self._running: dict[Item, threading.Thread] = {}
        self._failures, self._count = failures, itertools.count()
        self._halted = False

    @property
    def is_busy(self) -> bool:
        """Whether an item is under way, or waits for a thread."""
        return bool(self._open)

    def submit(self, item: Item) -> None:
        """Have a thread do it; here where none can be started."""
        self._open[item] = None
        self._queue.put(item)
        if len(self._threads) < min(len(self._open), self._most):
            self._start()

    def _start(self) -> None:
        try:
            thread = threading.Thread(target=self._serve, name=f"beautyspot-{self._name}")
            thread.daemon = True
            thread.start()
        except (RuntimeError, MemoryError):
            if not self._threads:  # nobody else would do it
                self._serve_here()
            return
        self._threads[thread] = None

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None:
            item.began = monotonic()
            self._running[item] = threading.current_thread()
            done = self._do(item)
            if self._running.pop(item, None) is None:
                return  # it was given up, and another thread took this one's place
            self._done.put(done)
            del item, done  # else its result would be kept until the next one comes
        self._queue.put(None)  # for the others

    def _serve_here(self) -> None:
        for item in self._waiting():
            item.began = monotonic()
            self._done.put(self._do(item))

    def _do(self, item: Item) -> Done:
        if self._halted:
            return self, item, NOT_BEGUN, None
        try:
            return self, item, self._work(item), None
        except BaseException as error:
            # Here, and not where the failure is met: until then others would begin.
            if self._failures is not None and next(self._count) >= self._failures:
                self._halt()
            return self, item, None, error

    def _halt(self) -> None:
        """Have no function begin, from any thread; what one has begun goes on."""
        self._halted = True
        for item in list(self._open):
            if item.start is not None:
                item.start.stop()

    def _waiting(self) -> list[Item]:
        """Those that no thread has begun, which are taken from the threads."""
        found: list[Item] = []
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return found
            if item is not None:
                found.append(item)

    def forget(self, item: Item) -> None:
        """Note that an item is done."""
        self._open.pop(item, None)

    def begun(self) -> list[Item]:
        """Those under way, the first one first."""
        return list(self._running.copy())

    def give_up(self, item: Item) -> bool:
        """Wait no longer for an item under way: its thread goes on, and is none of ours."""
        thread = self._running.pop(item, None)
        if thread is None:
            return False
        self._open.pop(item, None)
        self._threads.pop(thread, None)
        return True

    def replace(self) -> None:
        """Have threads take the places of those whose items were given up."""
        for _ in range(min(len(self._open), self._most) - len(self._threads)):
            self._start()

    def withdraw(self) -> None:
        """Have nothing new begin."""
        self._halt()
        for item in self._waiting():
            self._open.pop(item, None)

    def stop(self) -> None:
        """Have nothing new begin, ever."""
        self.withdraw()
        self._queue.put(None)

    def join(self) -> None:
        """Wait for what is under way; after `stop`."""
        me = threading.current_thread()
        for thread in list(self._threads):
            if thread is not me:
                thread.join()
