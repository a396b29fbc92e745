"""`Target`: the function of a map; `Made`: what a call of it came to."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from beautyspot.calls.marking import check_callable, is_marked
from beautyspot.errors import ConfigError
from beautyspot.limits.decorator import is_limited
from beautyspot.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.marking import Marking
    from beautyspot.calls.noting import LastCalls
    from beautyspot.tasks.task import Call


class Target:
    """A marked function that is called many times.

    Attributes:
        function: what each call calls: the user's own, or a marked one in its place.
        given: the function as the user gave it.
        task: what its mark knows of it.
        name: its identifier.
        is_coroutine: whether its calls are awaited.
        spot: the one that marked it, which lives as long as this.
        engine: of that.
        is_limited: whether the function itself waits for a permit before it begins.
    """

    def __init__(self, function: Callable[..., Any], given: Callable[..., Any]) -> None:
        self.function, self.given, bound = function, given, partial(function)
        inner, self._args, self._named = bound.func, bound.args, bound.keywords
        task = getattr(inner, "__beautyspot__", None)
        assert isinstance(task, Task)  # noqa: S101 - `target_of` saw to it
        if inspect.ismethod(inner):
            self._args = (inner.__self__, *self._args)
        self.task = task
        self.name, self.is_coroutine = task.func_identifier, task.kind == "coroutine"
        self.spot = cast("Any", task.owner())
        self.engine: Engine = self.spot._engine
        self.is_limited = is_limited(inner_of(task.function))

    def keys(self, inputs: list[tuple[Any, ...]]) -> list[str] | None:
        """The keys of many calls, "" for none; None where each has to be addressed singly."""
        if self._named:
            return None
        bound = self._args
        return self.task.addressing.keys([(*bound, *args) for args in inputs] if bound else inputs)

    def call(self, args: tuple[Any, ...]) -> Call:
        """The call that an input makes."""
        return self.task.call((*self._args, *args), dict(self._named))


def target_of(method: str, marking: Marking, function: Any) -> Target:
    """The function that a user gave, marked if it was not.

    Raises:
        ConfigError: it can't be called, or is a generator; `method` is what the user called.
    """
    check_callable(
        function,
        f"{method} takes a function and inputs",
        f"write spot.{method}(function, inputs), without calling the function",
    )
    inner = inner_of(function)
    if inner is not function and is_marked(inner):
        found = Target(function, function)
    else:
        found = Target(marking.runner(method, function), function)
    if "generator" in found.task.kind:
        raise ConfigError(
            f"{method} takes functions that return a result, and {found.name} is a generator, "
            "whose items come one by one: call it in a loop, or write a function that returns the "
            "list of its items"
        )
    return found


def inner_of(function: Any) -> Any:
    """The function in a partial, which is never in another one."""
    return function.func if type(function) is partial else function


class Made(NamedTuple):
    """What a call returned, or the stored error that it raised; any other one is raised.

    Attributes:
        value: what it returned.
        error: what it raised, where that is a result.
        is_hit: whether it was a hit after all.
        is_stored: whether it was a hit, or its result is stored, or queued for that; None where it
            is nobody else's, since it was invalidated or what its key is made of changed meanwhile.
    """

    value: Any
    error: Any = None
    is_hit: bool = True
    is_stored: bool | None = True


def make(calls: LastCalls, function: Callable[..., Any], *args: Any) -> Made:
    """Make a call, in a context of its own.

    Args:
        calls: of the function's Spot.
        function: marked.
        args: of the call.
    """
    try:
        return Made(function(*args), None, *calls.end)
    except Exception as error:
        if not calls.end[0]:
            raise
        return Made(None, error.with_traceback(None))  # else it would lead here: a cycle


async def make_async(calls: LastCalls, begin: Callable[..., Awaitable[Any]], *args: Any) -> Made:
    """The same of a coroutine function. Whatever it raises, it raises in its own task."""
    try:
        return Made(await begin(*args), None, *calls.end)
    except Exception as error:
        if not calls.end[0]:
            raise
        return Made(None, error.with_traceback(None))  # else it would lead here: a cycle
