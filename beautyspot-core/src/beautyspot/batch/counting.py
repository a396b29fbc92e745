"""`count`: how many calls of a map would run its function, before it is begun."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from beautyspot.batch.inputs import Inputs, check_plain, checked_inputs
from beautyspot.batch.lookups import FIRST, LARGEST, next_size
from beautyspot.batch.targets import target_of
from beautyspot.calls.blocks import join
from beautyspot.calls.items import taken_apart
from beautyspot.contracts import DIRECT_BLOB
from beautyspot.errors import ConfigError, ItemsError
from beautyspot.serialization.payload import StoredError

if TYPE_CHECKING:
    from beautyspot.batch.targets import Target
    from beautyspot.calls.marking import Marking
    from beautyspot.contracts import Entry
    from beautyspot.tasks.task import Call

    Args = tuple[Any, ...]


def count(marking: Marking, function: object, inputs: tuple[Any, ...]) -> int:
    """How many calls `Spot.map` would make with these inputs that run the function.

    Raises:
        ConfigError: an argument does not fit; says what to write.
        ItemsError: the function takes lists, and an input is none.
        MetadataError: the Spot was shut down.
    """
    target = target_of("count", marking, function)
    target.engine.check_open()
    with ExitStack() as ends:
        inputs = tuple(_made_anew(each, ends) for each in inputs)
        checked_inputs("count", function, inputs)
        check_plain(
            "count reads its inputs at once, and {} is read in an event loop: read it into a list "
            "first, [each async for each in …], and count that",
            inputs,
        )
        return Counter(target).count(Inputs(inputs))


def _made_anew(given: Any, ends: ExitStack) -> Any:
    """What may be read here: what a function makes, or what can be read again.

    An iterator that was made here is closed with `ends`, as a file has to be.

    Raises:
        ConfigError: the map that follows would get nothing; says what to write.
    """
    if callable(given) and not isinstance(given, Iterable):
        made = given()
        close = getattr(made, "close", None) if isinstance(made, Iterator) else None
        if close is not None:
            ends.callback(close)
        return made
    if not isinstance(given, Iterator) or iter(given) is not given:
        return given
    raise ConfigError(
        f"count would use up {given!r:.80}, an iterator, and the map that follows would get "
        "nothing: give a list, or a function that makes the iterator anew, such as "
        'lambda: open("prompts.txt")'
    )


class Counter:
    """Looks calls up a page at a time, and counts those that have no result.

    It restores what it finds, since what is damaged would run, but not blobs.
    """

    def __init__(self, target: Target) -> None:
        self._target, self._engine = target, target.engine
        self._missing: set[str] = set()
        self._without_key = 0

    def count(self, inputs: Inputs) -> int:
        """How many of these calls would run: equal ones once, those without a key each.

        Raises:
            Exception: what an iterable raised.
            ItemsError: an input should be a list of items, and is none.
        """
        size = FIRST
        while not inputs.has_ended:
            calls = [call for args in inputs.page(size) for call in self._calls(args)]
            wanted = {call.key: call for call in calls if call.key not in self._missing}
            found = self._find(wanted)
            size = next_size(size, found.values(), LARGEST)
            left = {key: call for key, call in wanted.items() if key not in found}
            for key, entry in found.items():
                if wanted[key].refresh or not self._answers(wanted[key], entry, key):
                    left[key] = wanted[key]
            earlier = {
                key: call
                for call in left.values()
                if call.key not in found
                for key in call.task.addressing.earlier_keys(call)
            }
            for key, entry in self._find(earlier).items():
                if self._answers(earlier[key], entry, key):
                    left.pop(earlier[key].key, None)
            self._missing.update(left)
        if inputs.error is not None:
            raise inputs.error
        return self._without_key + len(self._missing)

    def _calls(self, args: Args) -> list[Call]:
        """The calls that an input makes, and that have keys: more than one of a list of items."""
        whole = self._target.call(args)
        calls = [whole]
        try:
            if whole.task.items is not None:
                calls = taken_apart(whole)[1]
        except ItemsError:  # the call raises it, too, and runs nothing
            raise
        except Exception:  # its arguments do not fit, say: the call raises what says more
            self._without_key += 1
            return []
        for call in calls:
            try:
                if self._engine.active:
                    join(self._engine, call)
                    call.task.addressing.address(call)
            except Exception:  # it runs uncached, or raises what says more
                call.key = ""
            self._without_key += not call.key
        return [call for call in calls if call.key]

    def _find(self, keys: Iterable[str]) -> dict[str, Entry]:
        try:
            return self._engine.cache.find_many(list(keys))
        except Exception as error:
            advice = "They count as calls that would run, as they would while it fails"
            self._engine.reporter.report(
                "look up", self._target.task.func_identifier, error, advice
            )
            return {}

    def _answers(self, call: Call, entry: Entry, key: str) -> bool:
        """Whether a call would be answered by this entry, of its own key or an earlier one."""
        cache = self._engine.cache
        if cache.unfit(call, entry) is not None:
            return False
        try:
            if entry.result_type == DIRECT_BLOB:
                cache.restore(call.task, key, entry)
        except StoredError as stored:
            return stored.error is not None
        except Exception:
            return False
        return True
