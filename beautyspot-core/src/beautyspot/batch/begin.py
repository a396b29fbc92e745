"""What `spot.map` does at once: it checks everything, and begins nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.batch.inputs import checked_inputs, total_of
from beautyspot.batch.meter import meter_of
from beautyspot.batch.options import MapOptions
from beautyspot.batch.targets import target_of
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from beautyspot.calls.marking import Marking


def begin(
    marking: Marking, function: object, inputs: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """The iterator of a map, of which nothing has run yet.

    Raises:
        ConfigError: an argument does not fit; says what to write.
    """
    target = target_of("map", marking, function)
    options = MapOptions.from_keywords(keywords)
    checked_inputs("map", function, inputs)
    meter = meter_of(options.progress, target.name, total_of(inputs))
    if meter is not None:
        marking.note_map(meter)
    if not target.is_coroutine:
        _check_plain(inputs)
        from beautyspot.batch.threads import SyncMap

        return SyncMap(target, inputs, options, meter).give()
    if options.executor is not None:
        raise ConfigError(
            f"map(executor=) has no meaning for {target.name}, a coroutine function, whose calls "
            "run in the event loop: leave it out"
        )
    from beautyspot.batch.async_map import AsyncMap, Results

    return Results(AsyncMap(target, inputs, options, meter).give())


def _check_plain(inputs: tuple[Any, ...]) -> None:
    for each in inputs:
        if not hasattr(each, "__iter__") and not hasattr(each, "__getitem__"):
            raise ConfigError(
                f"map reads {each!r:.80} in an event loop, and the function is a plain one: give "
                "a coroutine function, or read the inputs into a list first"
            )
