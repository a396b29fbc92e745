"""How the calls of a map go to an executor of the user's, and what comes back.

The marked function itself is sent there: it looks up, runs and stores, be it in another process or
machine.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.batch.targets import Made, make
from beautyspot.calls.blocks import asked
from beautyspot.calls.lifecycle import runs_elsewhere
from beautyspot.errors import ConfigError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.batch.targets import Target
    from beautyspot.calls.engine import Engine

UNSENT = (
    "spot.map sends the function and each input to the executor's processes, and gets the result "
    "back, by pickle. Define the function at the top of a module that they can import, and give "
    "inputs that can be pickled; or use an executor that sends code, such as loky's or Dask's"
)


def is_of_the_executor(error: BaseException) -> bool:
    """Whether an executor has failed, and not the call."""
    from concurrent.futures import BrokenExecutor, CancelledError

    return isinstance(error, BrokenExecutor | CancelledError)


def workers_of(executor: Any) -> int | None:
    """How many calls an executor makes at once; None where it does not tell."""
    number = getattr(executor, "_max_workers", None)
    return number if isinstance(number, int) and number > 0 else None


def runs_threads(executor: object) -> bool:
    """Whether the workers of an executor are threads of this process, for certain."""
    from concurrent.futures import ThreadPoolExecutor

    return isinstance(executor, ThreadPoolExecutor)


def sent(target: Target, executor: object) -> Callable[..., Any]:
    """The function that is sent to an executor.

    Raises:
        ConfigError: the executor's processes can't get it.
    """
    function = target.function
    if target.given is not target.function:
        function = partial(_cached_run, target.spot, target.given)
    if not sends_code(executor):
        _check_pickle(function, target.name)
    return function


def sends_code(executor: object) -> bool:
    """Whether an executor may send functions and classes by their code, as loky and Dask do."""
    from concurrent.futures import ProcessPoolExecutor

    of_python = type(executor).__module__.startswith("concurrent.")
    return not (of_python and isinstance(executor, ProcessPoolExecutor))


def warn_of_rate(target: Target, executor: object) -> None:
    """Say that each process of an executor has the whole rate, where the limiter is of one."""
    workers: object = workers_of(executor)
    bucket = target.spot._limiting.bucket
    if bucket is None or bucket.shared or workers == 1 or not runs_elsewhere(type(executor)):
        return
    target.engine.reporter.once(
        "rate of one process",
        f"spot.map(executor=) calls {target.name} in other processes, and the limiter of this Spot "
        f"keeps its rate in each process alone: {workers or 'several'} of them reach "
        f"{workers or 'several'} times the rate. "
        'For one rate give limiter={"use": "gcra-shared", "rate": ...} to the processes '
        'of one machine, or "redis" or "postgres" to those of many',
    )


def _check_pickle(function: object, name: str) -> None:
    import pickle

    try:
        pickle.dumps(function)
    except Exception as error:
        raise ConfigError(
            f"map(executor=) can't send {name} to its processes ({error}). {UNSENT}"
        ) from error


def in_blocks(function: Callable[..., Any], engine: Engine) -> Callable[..., Any]:
    """A function that makes its call in such blocks as are open here, in whatever process."""
    mode, max_age = asked(engine)
    if mode is None and max_age is None:
        return function
    return partial(_in_block, function, mode, max_age)


def _in_block(
    function: Callable[..., Any], mode: str | None, max_age: float | None, *args: Any
) -> Any:
    with _spot_of(function).using(mode=mode, max_age=max_age):
        return function(*args)


def make_there(by_code: bool, function: Callable[..., Any], *args: Any) -> Made:
    """Make a call, there.

    Args:
        by_code: see `sends_code`.
        function: marked, with what surrounds its call.
        args: of the call.

    Raises:
        Exception: what the call raised; a `WorkerError` in its place where it can't be sent.
    """
    try:
        try:
            calls = _spot_of(function)._engine.last_calls
        except Exception:  # its Spot is gone: nothing tells what became of the call
            return Made(function(*args), is_hit=False)
        made = make(calls, function, *args)
    except Exception as error:
        if (instead := _unsent(error, by_code=by_code)) is None:
            raise
        raise instead from None
    instead = None if made.error is None else _unsent(made.error, by_code=by_code)
    return made if instead is None else made._replace(error=instead)


def _unsent(error: Exception, *, by_code: bool) -> WorkerError | None:
    """What is sent in the place of an exception that would not come back from pickle.

    A pool of processes that can't read what a worker has sent is broken, with all of its calls.
    """
    import pickle
    import traceback

    names = ("cloudpickle", "joblib.externals.cloudpickle") if by_code else ()
    by: Any = next((sys.modules[name] for name in names if name in sys.modules), pickle)
    try:
        sent_so = by.dumps(error)
        if isinstance(pickle.loads(sent_so), BaseException):  # noqa: S301 - made here
            return None
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


def _spot_of(function: Any) -> Any:
    """The Spot here, of a function that was sent."""
    while isinstance(function, partial):
        if function.func is _cached_run:
            return function.args[0]
        function = function.args[0] if function.func is _in_block else function.func
    return function.__beautyspot__.owner()


def _cached_run(spot: Any, function: Callable[..., Any], *args: Any) -> Any:
    result: Any = spot.cached_run(function, *args)
    return result


def explain_unsent(error: BaseException) -> None:
    """Say in a note what to do about what could not be sent."""
    import pickle

    if isinstance(error, pickle.PicklingError) or (
        isinstance(error, TypeError | AttributeError) and "pickle" in str(error)
    ):
        with suppress(Exception):  # a class of the user's may refuse a note
            error.add_note(UNSENT)
