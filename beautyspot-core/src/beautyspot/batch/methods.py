"""The part of a Spot that makes many calls at once: `map`, and `count` before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from beautyspot.errors import ConfigError
from beautyspot.messages import checks_options

# What many programs never call is imported by its method: a start is short.
if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Coroutine,
        Generator,
        Iterable,
    )
    from datetime import timedelta
    from typing import Unpack

    from beautyspot.batch.inputs import MapKeywords
    from beautyspot.batch.targets import Failed
    from beautyspot.calls.marking import Marking
    from beautyspot.concurrency.lazily import Lazily
    from beautyspot.observing import Progress

    Inputs = Iterable[Any] | AsyncIterable[Any]

R = TypeVar("R")

_SAME_FOR_ALL: Final = (
    ". An argument of the function that is the same for all calls goes into "
    "functools.partial(function, {}=...), in the place of the function"
)


class BatchMethods:
    """Methods of `Spot`."""

    _marking: Lazily[Marking]

    @overload
    def map(  # type: ignore[overload-overlap]  # a coroutine function is a function, too
        self,
        function: Callable[..., Coroutine[Any, Any, R]],
        /,
        *inputs: Inputs,
        errors: Literal["raise", "skip"] = "raise",
        **options: Unpack[MapKeywords],
    ) -> AsyncGenerator[R, None]: ...

    @overload
    def map(  # type: ignore[overload-overlap]  # a coroutine function is a function, too
        self,
        function: Callable[..., Coroutine[Any, Any, R]],
        /,
        *inputs: Inputs,
        errors: Literal["return"],
        **options: Unpack[MapKeywords],
    ) -> AsyncGenerator[R | Failed, None]: ...

    @overload
    def map(
        self,
        function: Callable[..., R],
        /,
        *inputs: Iterable[Any],
        errors: Literal["raise", "skip"] = "raise",
        **options: Unpack[MapKeywords],
    ) -> Generator[R, None, None]: ...

    @overload
    def map(
        self,
        function: Callable[..., R],
        /,
        *inputs: Iterable[Any],
        errors: Literal["return"],
        **options: Unpack[MapKeywords],
    ) -> Generator[R | Failed, None, None]: ...

    @checks_options("map", _SAME_FOR_ALL)
    def map(
        self,
        function: Callable[..., Any],
        /,
        *inputs: Inputs,
        concurrency: int | None = None,
        ordered: bool = True,
        errors: str = "raise",
        max_errors: int | None = None,
        timeout: float | str | timedelta | None = None,
        progress: bool | Callable[[Progress], object] | None = None,
        executor: Any = None,
    ) -> Any:
        """Call a function for each of many inputs, many at once: an iterator over the results.

        Of a coroutine function it is an asynchronous iterator. Inputs are read as results are asked
        for, some hundreds ahead; stored results are looked up many at a time; equal inputs that
        are under way run once. See [map](map.md).

        Args:
            function: marked or not, as for `cached_run`.
            inputs: iterables, also without an end. Of one, each item is an argument; of several,
                the function gets an item of each, and the shortest ends the map. For a coroutine
                function they may be asynchronous.
            concurrency: calls at once; 16 unless given, and as many as a given executor has
                workers. Results that are stored wait for none of them.
            ordered: True gives the results in the order of the inputs, False as they come.
            errors: "raise": the first failure begins nothing new, lets finish and be stored what
                runs, and is raised, with its input in a note; "return" gives a `Failed` in place of
                the result; "skip" leaves it out.
            max_errors: with "return" or "skip", so many failures may be; one more ends the map
                as "raise" does.
            timeout: for each call, from when its function begins: seconds, a `timedelta`, or a text
                such as "10 minutes"; over it, the input has failed with a `TimeoutError`. A thread
                can't be stopped: it goes on, and its result is stored if it comes. A coroutine is
                cancelled.
            progress: True shows it in one line; a function is called with a `Progress` now and
                then.
            executor: makes the calls of a plain function: any `concurrent.futures.Executor`, of
                threads or processes, loky's, or ``client.get_executor()`` of Dask.

        Raises:
            ConfigError: an option does not fit, or the function is a generator; says what to write.
        """
        from beautyspot.batch.inputs import MapOptions, checked_inputs, total_of
        from beautyspot.batch.meter import meter_of
        from beautyspot.batch.targets import target_of

        target = target_of("map", self._marking, function)
        options = MapOptions(
            concurrency=concurrency, ordered=ordered, errors=errors, max_errors=max_errors,
            timeout=timeout, progress=progress, executor=executor,
        )  # fmt: skip
        checked_inputs("map", inputs, awaits=target.is_coroutine)
        if target.is_coroutine and executor is not None:
            raise ConfigError(
                f"map(executor=) has no meaning for {target.name}, a coroutine function, whose "
                "calls run in the event loop: leave it out"
            )
        meter = meter_of(progress, target.name, total_of(inputs))
        if progress:
            target.engine.maps[id(meter)] = meter  # which this does not keep
        if target.is_coroutine:
            from beautyspot.batch.async_map import AsyncMap, Results

            return Results(AsyncMap(target, inputs, options, meter).give())
        from beautyspot.batch.threads import ThreadMap

        return ThreadMap(target, inputs, options, meter).give()

    @checks_options("count", _SAME_FOR_ALL)
    def count(
        self,
        function: Callable[..., Any],
        /,
        *inputs: Iterable[Any],
    ) -> int:
        """How many calls `map` would make with these inputs that run the function, if it began now.

        Equal calls count once, expired ones count, and those without a key each. Of a function that
        is marked with ``each=``, its items are counted. Nothing runs, and nothing counts as a hit.
        All inputs are read. It blocks, so in an event loop write
        ``await asyncio.to_thread(spot.count, function, inputs)``.

        Args:
            function: as for `map`; it may be a coroutine function.
            inputs: as for `map`, without an asynchronous one, and without an iterator, which would
                be used up, and leave nothing to the map: give a list.

        Raises:
            ConfigError: the function is a generator, or an input can't be read, or not once more;
                says what to write.
            ItemsError: the function is marked with ``each=``, and an input is no list of items.
            MetadataError: the Spot was shut down.
        """
        from beautyspot.batch.lookups import count

        return count(self._marking, function, inputs)
