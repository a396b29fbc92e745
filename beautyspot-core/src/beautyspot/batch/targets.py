"""`Target`: the function of a map; `Made`: what a call of it came to; `Failed`: what is given then.

`Sent` is how the calls go to an executor of the user's. The marked function itself is sent there:
it looks up, runs and stores, be it in another process or machine.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from beautyspot.calls.lifecycle import runs_elsewhere
from beautyspot.calls.marking import check_callable, is_marked
from beautyspot.errors import ConfigError, WorkerError
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


@dataclass(frozen=True, slots=True)
class Failed:
    """A call of `spot.map` that raised, with ``errors="return"``.

    Attributes:
        input: what the function was called with: an item, or a tuple of one of each iterable.
        error: what it raised; a `TimeoutError` where its `timeout` was over.
        stored: whether nothing ran for it, since it was stored, by ``mark(cache_errors=)``.
    """

    input: Any
    error: Exception
    stored: bool = False


UNSENT = (
    "spot.map sends the function and each input to the executor's processes, and gets the result "
    "back, by pickle. Define the function at the top of a module that they can import, and give "
    "inputs that can be pickled; or use an executor that sends code, such as loky's or Dask's"
)


class Sent(NamedTuple):
    """Makes a call of a map in a worker of an executor, to which it is sent.

    Attributes:
        function: as the user gave it.
        spot: which runs the function there, if that is not marked.
        by_code: whether the executor sends functions and classes by their code, as loky and Dask.
        mode, max_age: of the blocks of `Spot.using` that the map is in.
    """

    function: Callable[..., Any]
    spot: Any
    by_code: bool
    mode: str | None = None
    max_age: float | None = None

    @classmethod
    def to(cls, target: Target, executor: object) -> Self:
        """What is sent to an executor.

        Raises:
            ConfigError: the executor's processes can't get it.
        """
        import pickle
        from concurrent.futures import ProcessPoolExecutor

        of_python = type(executor).__module__.startswith("concurrent.")
        by_code = not (of_python and isinstance(executor, ProcessPoolExecutor))
        spot = None if target.given is target.function else target.spot
        sent = cls(target.given, spot, by_code)
        _warn_of_rate(target, executor)
        try:
            if not by_code:
                pickle.dumps(sent)
        except Exception as error:
            raise ConfigError(
                f"map(executor=) can't send {target.name} to its processes ({error}). {UNSENT}"
            ) from error
        return sent

    def __call__(self, *args: Any) -> Made:
        """Make the call, there.

        Raises:
            Exception: what the call raised; a `WorkerError` in its place where it can't be sent.
        """
        if self.spot is None:
            spot, call = inner_of(self.function).__beautyspot__.owner(), self.function
        else:
            spot, call = self.spot, partial(self.spot.cached_run, self.function)
        is_in_block = self.mode is not None or self.max_age is not None
        block = spot.using(mode=self.mode, max_age=self.max_age) if is_in_block else nullcontext()
        try:
            with block:
                made = make(spot._engine.last_calls, call, *args)
        except Exception as error:
            raise _sendable(error, by_code=self.by_code)  # noqa: B904 - mostly it is the same
        if made.error is None:
            return made
        return made._replace(error=_sendable(made.error, by_code=self.by_code))


def _warn_of_rate(target: Target, executor: object) -> None:
    """Say that each process of an executor has the whole rate, where the limiter is of one."""
    workers = getattr(executor, "_max_workers", "several")
    bucket = target.spot._limiting.bucket
    if bucket is None or bucket.shared or workers == 1 or not runs_elsewhere(type(executor)):
        return
    target.engine.reporter.once(
        "rate of one process",
        f"spot.map(executor=) calls {target.name} in other processes, and the limiter of this Spot "
        f"keeps its rate in each process alone: {workers} of them reach "
        f"{workers} times the rate. "
        'For one rate give limiter={"use": "gcra-shared", "rate": ...} to the processes '
        'of one machine, or "redis" or "postgres" to those of many',
    )


def _sendable(error: Exception, *, by_code: bool) -> Exception:
    """An exception, or what is sent in its place as it would not come back from pickle.

    A pool of processes that can't read what a worker has sent is broken, with all of its calls.
    """
    import pickle
    import traceback

    names = ("cloudpickle", "joblib.externals.cloudpickle") if by_code else ()
    by: Any = next((sys.modules[name] for name in names if name in sys.modules), pickle)
    try:
        sent_so = by.dumps(error)
        if isinstance(pickle.loads(sent_so), BaseException):  # noqa: S301 - made here
            return error
        why = "it comes back from pickle as something else"
    except Exception as raised:
        why = f"{type(raised).__name__}: {raised}"
    cls, text = type(error), ""
    with suppress(Exception):  # the user's class may have none
        text = str(error)
    name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")
    return WorkerError(
        f"{name}: {text} (a worker raised it, and can't send it by pickle: {why}. Its traceback is "
        f"in .traceback; to get the exception itself, give {name} a __reduce__, or hand all that "
        "its __init__ takes to Exception.__init__)",
        type_name=name,
        text=text,
        traceback="".join(traceback.format_exception(error)),
    )


def explain_unsent(error: BaseException) -> None:
    """Say in a note what to do about what could not be sent."""
    import pickle

    if isinstance(error, pickle.PicklingError) or (
        isinstance(error, TypeError | AttributeError) and "pickle" in str(error)
    ):
        with suppress(Exception):  # a class of the user's may refuse a note
            error.add_note(UNSENT)


def explain_inputs(error: TypeError, target: Target, args: tuple[Any, ...]) -> None:
    """Say in a note how a map gives arguments, if the function can't be called with these."""
    if not target.task.fits(target.call(args)):
        error.add_note(
            f"spot.map calls {target.name} with one argument of each iterable. For several "
            "arguments give an iterable for each parameter: spot.map(function, firsts, seconds); "
            "of a list of tuples write spot.map(function, *zip(*inputs)). What is the same for all "
            "calls goes into functools.partial(function, name=...)"
        )
