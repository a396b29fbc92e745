"""`Lookups`: the results of many inputs, looked up a page at a time; `count` asks for no more.

What is found is restored and counted as a single hit is. Whatever can't be looked up in bulk goes
the ordinary way of a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_128_digest

from beautyspot.batch.inputs import Inputs, checked_inputs
from beautyspot.batch.targets import Made, target_of
from beautyspot.calls.blocks import join
from beautyspot.calls.items import taken_apart
from beautyspot.contracts import Entry
from beautyspot.errors import ConfigError, ItemsError
from beautyspot.results.validity import MISSING, SMALL, UNSIGNED
from beautyspot.serialization.payload import StoredError

if TYPE_CHECKING:
    from beautyspot.batch.targets import Target
    from beautyspot.calls.marking import Marking
    from beautyspot.concurrency.queueing import Start
    from beautyspot.contracts import Plain
    from beautyspot.tasks.task import Call

    Args = tuple[Any, ...]
    Found = Plain | Entry


FIRST: Final = 8
"""Inputs of the first page, so that the first result comes at once."""

LARGEST: Final = 256
"""Inputs of the largest page."""

AT_ONCE: Final = 16
"""Inputs of a page after one with blobs, which may be large; so many are read at a time."""


class Item:
    """An input on its way to a result that was not found at once.

    Attributes:
        args: what the function is called with.
        key: of that call; "" where it has none, or may not be answered by what is stored.
        made: what its call came to; None before that.
        start: stops its call as long as that waits for its permit; None where it needs none.
        began: when its call was made, on the monotonic clock; None before that.
        fatal: whether its error ends the map.
    """

    __slots__ = ("args", "began", "fatal", "key", "made", "start")

    def __init__(self, args: tuple[Any, ...], key: str = "", made: Made | None = None) -> None:
        self.args, self.key, self.made = args, key, made
        self.start: Start | None = None
        self.began: float | None = None
        self.fatal = False


class Lookups:
    """Looks up what is stored for the inputs of a map. It may block.

    Attributes:
        size: how many inputs the next page should have.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._task, self._engine = target.task, target.engine
        self.size = FIRST

    def page(self, inputs: list[Args]) -> list[Any]:
        """For each input its value, or an `Item` where that is an error, or is not there."""
        try:
            if self._engine.active and self._task.options.each is None:
                return self._page(inputs)
        except Exception as error:  # of a store that answers nonsense, say
            self._report(error)
        return [Item(args) for args in inputs]

    def _page(self, inputs: list[Args]) -> list[Any]:
        """The same. A result that lies in its row, and never expires, needs its key alone."""
        task, calls = self._task, list["Call"]()
        slow = task.ttl is not None or task.classes is not None or task.refreshes
        slow = slow or self._engine.cache.signer is not UNSIGNED
        keys = None if slow or self._engine.detours else self._target.keys(inputs)
        if keys is None:
            calls = [self.addressed(args) for args in inputs]
            keys = ["" if call.refresh else call.key for call in calls]
        found = self.find([*filter(None, keys)])
        codec = task.form.codec if task.form.draw is None else ""  # as in `fast_path.quick`
        loads, ending = task.form.serializer.loads, f"\n{codec}\n"
        page: list[Any] = []
        hits: list[tuple[str, Plain]] = []
        others: dict[int, Call] = {}
        is_plain = not calls and not task.to_compare
        for args, key in zip(inputs, keys, strict=True):
            entry: Any = found.get(key)
            if entry is None:
                page.append(Item(args, key))
            elif (
                is_plain
                and type(entry) is tuple
                and entry[4] == codec
                and len(entry[0]) <= SMALL
                and xxh3_128_digest((key + ending).encode() + entry[0]) == entry[1]
            ):
                page.append(loads(entry[0]))
                hits.append((key, entry))
            else:
                place = len(page)
                others[place] = call = calls[place] if calls else self.addressed(args)
                call.found = entry
                page.append(args)
        self._count(hits)
        values = self._recall([*others.values()])
        for (place, call), value in zip(others.items(), values, strict=True):
            page[place] = self._given(call, page[place], value)
        return page

    def addressed(self, args: Args) -> Call:
        """The call of an input, with its key."""
        call = self._target.call(args)
        self.address(call)
        return call

    def address(self, call: Call) -> None:
        """Give a call its key; "" where it has none."""
        join(self._engine, call)
        try:
            call.task.addressing.address(call)
        except Exception:
            call.key = ""  # its own call meets the failure again, and says it

    def find(self, keys: list[str]) -> dict[str, Found]:
        """What is stored of these, or on its way to the store."""
        found: dict[str, Any] = self._engine.cache.find_many(keys)
        errors = [each for each in found.values() if isinstance(each, Exception)]
        if not errors:
            return found
        self._report(errors[0])
        return {key: each for key, each in found.items() if not isinstance(each, Exception)}

    def _report(self, error: Exception) -> None:
        advice = "Each call looks for its own result, and nothing is lost"
        self._engine.reporter.report("look up", self._target.name, error, advice)

    def _count(self, hits: list[tuple[str, Plain]]) -> None:
        """Count hits, and tell of them."""
        counted, uses, observers = self._task.counted, self._engine.counting, self._engine.observers
        counted.seconds_saved += sum([entry[2] or 0.0 for _, entry in hits])
        counted.money_saved += sum([entry[5] or 0.0 for _, entry in hits])
        counted.hits += len(hits)
        now = monotonic()
        uses.seen.update(dict.fromkeys([key for key, _ in hits], now))
        if now > uses.due:
            uses.write_later()
        uses.bound()
        name = self._task.func_identifier
        for key, (data, _, took, made_at, _, price) in hits if observers.told else ():
            observers.hit(name, key, took, made_at, price, "store", len(data))

    def _recall(self, calls: list[Call]) -> list[Any]:
        """What was found for calls, restored: blobs of a server are read several at once."""
        cache, storage = self._engine.cache, self._engine.cache.storage()
        entries = [call.found for call in calls if isinstance(call.found, Entry)]
        has_blobs = any(entry.result_data is None for entry in entries)
        self.size = AT_ONCE if has_blobs else min(2 * self.size, LARGEST)
        if storage is None or not storage.blocking or not has_blobs:
            return [cache.recall(call) for call in calls]
        with ThreadPoolExecutor(AT_ONCE, "beautyspot") as pool:
            reads = [pool.submit(copy_context().run, cache.recall, call) for call in calls]
            return [read.result() for read in reads]

    def _given(self, call: Call, args: Args, value: Any) -> Any:
        if value is MISSING:  # it has expired, say
            return Item(args, call.key)
        self._engine.hit(call)
        if value.__class__ is StoredError:
            return Item(args, call.key, Made(None, value.taken()))
        return value


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
