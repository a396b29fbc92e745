"""`count`: how many calls of a map would run its function, before it is begun."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from beautyspot.batch.inputs import Inputs, checked_inputs
from beautyspot.batch.lookups import LARGEST, Lookups
from beautyspot.batch.targets import target_of
from beautyspot.calls.items import taken_apart
from beautyspot.errors import ConfigError, ItemsError
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from beautyspot.batch.targets import Target
    from beautyspot.calls.marking import Marking
    from beautyspot.tasks.task import Call


def count(marking: Marking, function: object, inputs: tuple[Any, ...]) -> int:
    """How many calls `Spot.map` would make with these inputs that run the function.

    Raises:
        ConfigError: an argument does not fit; says what to write.
        ItemsError: the function takes lists, and an input is none.
        MetadataError: the Spot was shut down.
    """
    target = target_of("count", marking, function)
    target.engine.check_open()
    checked_inputs("count", inputs)
    if any(isinstance(each, Iterator) for each in inputs):
        raise ConfigError(
            "count would use up an iterator, and the map that follows would get nothing: give a "
            "list, or one that is made for count alone, such as list(open(path))"
        )
    lookups, read = Lookups(target), Inputs(inputs)
    missing, without_key = set[str](), 0
    while not read.has_ended:
        calls = [call for args in read.page(LARGEST) for call in _calls(target, args)]
        for call in calls if target.engine.active else ():
            lookups.address(call)
        without_key += sum(not call.key for call in calls)
        wanted = {call.key: call for call in calls if call.key and call.key not in missing}
        missing |= _missing(lookups, target, wanted)
    if read.error is not None:
        raise read.error
    return without_key + len(missing)


def _calls(target: Target, args: tuple[Any, ...]) -> list[Call]:
    """The calls that an input makes: more than one of a list of items."""
    whole = target.call(args)
    try:
        return [whole] if whole.task.items is None else taken_apart(whole)[1]
    except ItemsError:  # the call raises it, too, and runs nothing
        raise
    except Exception:  # its arguments do not fit, say: the call raises what says more
        return [whole]


def _missing(lookups: Lookups, target: Target, wanted: dict[str, Call]) -> set[str]:
    """Of these calls, by their keys, those that nothing answers. Blobs are not read for that."""
    found, recall = lookups.find(list(wanted)), target.engine.cache.recall
    missing = set[str]()
    for key, call in wanted.items():
        call.found = found.get(key)
        is_renamed = bool(call.task.addressing.earlier)
        is_there = not call.refresh and (call.found is not None or is_renamed)
        if not is_there or recall(call, in_place=not is_renamed) is MISSING:
            missing.add(key)
    return missing
