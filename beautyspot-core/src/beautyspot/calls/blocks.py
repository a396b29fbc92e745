"""Blocks in which calls have another mode, or take no result over an age: ``with spot.using(…)``.

Whether a call is in one, a context variable says: it is in the thread or task that entered the
block, and in the tasks that were started there. Calls ask it while the engine has `detours` only,
so a hit pays nothing for blocks of which none is open.
"""

from __future__ import annotations

import contextvars
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages import checked
from beautyspot.tasks.options import MODES

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.tasks.task import Call

_ANY: Final = float("inf")
"""The age over which no result is: in an inner block that takes results of any age."""


_innermost: contextvars.ContextVar[Block | None] = contextvars.ContextVar(
    "beautyspot_block", default=None
)


class Block:
    """What `Spot.using` gives: a context manager, of which one thread or task is in the block.

    Attributes:
        engine: of the functions that it is for; None once the block has ended.
        mode, max_age: None where neither the block nor what is around it says anything of it.
        around: the block around it, of whatever Spot.

    Raises:
        ConfigError: an option does not fit, or none is given; says what does.
    """

    def __init__(self, engine: Engine, mode: object, max_age: object) -> None:
        if mode is None and max_age is None:
            raise ConfigError(
                "using() changes nothing: say using(mode=…), using(max_age=…), or both"
            )
        if mode is not None and mode not in MODES:
            raise ConfigError(f"using(mode={mode!r:.80}) does not fit: give {' or '.join(MODES)}")
        self.engine: Engine | None = engine
        self.mode: Any = mode
        self.max_age = None if max_age is None else _age(max_age)
        self.around: Block | None = None
        self._token: contextvars.Token[Block | None] | None = None

    def __enter__(self) -> Self:
        if self._token is not None or self.engine is None:
            raise ConfigError("this block was entered already: make another one by spot.using(…)")
        self.around = _innermost.get()
        while self.around is not None and self.around.engine is None:  # ended, in another context
            self.around = self.around.around
        mode, max_age = asked(self.engine)
        self.mode = self.mode or mode
        self.max_age = max_age if self.max_age is None else self.max_age
        self.engine.detours.add(self)
        self._token = _innermost.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        engine, self.engine = self.engine, None  # tasks that go on are in it no longer
        if engine is not None and self._token is not None:
            engine.detours.discard(self)
            with suppress(ValueError):  # it was entered in another context, as by a generator
                _innermost.reset(self._token)


def _age(max_age: object) -> float:
    if str(max_age).lower() in ("none", "inf"):  # as the block of another process has it
        return _ANY
    return checked("using: max_age", max_age, seconds, f'{DURATION}, or "none" for any age')


def join(engine: Engine, call: Call) -> None:
    """Have a call take part in the blocks that are open around it.

    From then on `call.mode` is the mode in which it is made, `call.refresh` says that nothing that
    is stored may answer it, and `Cache.unfit` does so of an entry. Whoever looks calls up without
    `answer` (in bulk, say) calls this for each of them first, in the context of who made it. A
    second time does nothing, so that a call on its way does not leave the block in which it began.
    """
    if call.asked is not None or not engine.detours:
        return
    mode, call.max_age = asked(engine)
    call.asked = mode or call.task.options.mode
    call.refresh = call.asked == "refresh"


def asked(engine: Engine) -> tuple[str | None, float | None]:
    """The mode and the max_age of the blocks that are open here; None where they say nothing."""
    block = _innermost.get()
    while block is not None and block.engine is not engine:
        block = block.around
    return (None, None) if block is None else (block.mode, block.max_age)
