"""How the calls of a map go to an executor of the user's, and what comes back.

The marked function itself is sent there: it looks up, runs and stores, be it in another process or
machine.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from beautyspot.batch.targets import Made, inner_of, make
from beautyspot.calls.lifecycle import runs_elsewhere
from beautyspot.errors import ConfigError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.batch.targets import Target

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
