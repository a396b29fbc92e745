"""Blocks in which calls have another mode, or take no result over an age: ``with spot.using(…)``.

Whether a call is in one, a context variable says: it is in the thread or task that entered the
block, and in the tasks that were started there. Calls ask it while the engine has `detours` only,
so a hit pays nothing for blocks of which none is open.
"""

from __future__ import annotations

import contextvars
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.config.settings import SETTINGS
from beautyspot.contracts import DURATION, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages import checked

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.tasks.task import Call

_entered: Final[contextvars.ContextVar[tuple[Block, ...]]] = contextvars.ContextVar(
    "beautyspot_blocks", default=()
)
"""The blocks that the running code is in, of all Spots, the outermost first.

A task that outlives a block sees it here still: in force are those in the engine's `detours`.
"""


class Block:
    """What `Spot.using` gives: a context manager, of which one thread or task is in the block.

    Attributes:
        mode, max_age: None where neither the block nor what is around it says anything of it.

    Raises:
        ConfigError: an option does not fit, or none is given; says what does.
    """

    def __init__(self, engine: Engine, mode: object, max_age: object) -> None:
        if mode is None and max_age is None:
            raise ConfigError(
                "using() changes nothing: say using(mode=…), using(max_age=…), or both"
            )
        self._engine = engine
        self.mode: Any = None if mode is None else SETTINGS["mode"].checked(mode, "using({})")
        self.max_age = None if max_age is None else _age(max_age)
        self._token: contextvars.Token[tuple[Block, ...]] | None = None

    def __enter__(self) -> Self:
        if self._token is not None:
            raise ConfigError("this block was entered already: make another one by spot.using(…)")
        mode, max_age = asked(self._engine)
        self.mode = self.mode or mode
        self.max_age = max_age if self.max_age is None else self.max_age
        self._engine.detours.add(self)
        around = [block for block in _entered.get() if block in block._engine.detours]
        self._token = _entered.set((*around, self))
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.detours.discard(self)
        if self._token is not None:
            with suppress(ValueError):  # it was entered in another context, as by a generator
                _entered.reset(self._token)


def _age(max_age: object) -> float:
    if str(max_age).lower() in ("none", "inf"):  # as the block of another process has it
        return inf
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
    mine = [block for block in _entered.get() if block in engine.detours]
    return (mine[-1].mode, mine[-1].max_age) if mine else (None, None)
