"""`Item`: an input of a map whose result was not found at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beautyspot.concurrency.queueing import Start
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call


class Item:
    """An input on its way to a result.

    Attributes:
        args: what the function is called with.
        key: of that call; "" where it has none, and so is equal to no other.
        call: to be looked up singly, in a thread that may wait; None where it is known to be
            missing, and the function is to be called.
        copied: what an equal input's call has made, of which this one may have a copy.
        start: stops its call as long as that waits for its permit; None where it needs none.
        began: when its call was made, on the monotonic clock; None before that.
        settled: whether it has a result, or an error.
        fatal: whether its error ends the map.
        stored: whether its error was stored, and so is a hit.
    """

    __slots__ = (
        *("args", "began", "call", "copied", "error", "fatal", "key"),
        *("settled", "start", "stored", "value"),
        "__weakref__",
    )

    def __init__(self, args: tuple[Any, ...], key: str = "", call: Call | None = None) -> None:
        self.args = args
        self.key = key
        self.call = call
        self.copied: Payload | None = None
        self.start: Start | None = None
        self.began: float | None = None
        self.settled = self.fatal = self.stored = False
        self.value: Any = None
        self.error: BaseException | None = None

    @property
    def runs_since(self) -> float | None:
        """When its call began; None before that: also while it waits for its permit."""
        return self.began if self.start is None else self.start.began
