"""`Lookups`: the results of many inputs, looked up a page at a time.

What is found is restored and counted as a single hit is. Whatever can't be looked up in bulk goes
the ordinary way of a call.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_128_digest

from beautyspot.batch.targets import Made
from beautyspot.calls.blocks import join
from beautyspot.calls.flow import answer
from beautyspot.contracts import Entry, in_full
from beautyspot.errors import MetadataBusyError
from beautyspot.results.validity import ELSEWHERE, MISSING, SMALL
from beautyspot.serialization.compression import plain_size
from beautyspot.serialization.file_data import FileData
from beautyspot.serialization.payload import COMPRESSED, Payload, StoredError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.batch.targets import Target
    from beautyspot.concurrency.queueing import Start
    from beautyspot.contracts import Plain
    from beautyspot.tasks.task import Call

    Args = tuple[Any, ...]
    Found = Plain | Entry

FIRST: Final = 8
"""Inputs of the first page, so that the first result comes at once."""

LARGEST: Final = 1000
"""Inputs of the largest page."""

BYTES: Final = 8 * 2**20
"""Bytes of results in a page, about. It bounds the memory."""


class Item:
    """An input on its way to a result that was not found at once.

    Attributes:
        args: what the function is called with.
        key: of that call; "" where it has none, and so is equal to no other.
        call: to be looked up singly, in a thread that may wait; None where the function is to be
            called.
        looked: whether nothing was found for its key, and nothing of this map was stored since.
        start: stops its call as long as that waits for its permit; None where it needs none.
        began: when its call was made, on the monotonic clock; None before that.
        settled: whether it has a result, or an error.
        fatal: whether its error ends the map.
        stored: whether its error was stored, and so is a hit.
    """

    __slots__ = (
        *("args", "began", "call", "error", "fatal", "key"),
        *("looked", "settled", "start", "stored", "value"),
        "__weakref__",
    )

    def __init__(self, args: tuple[Any, ...], key: str = "", call: Call | None = None) -> None:
        self.args, self.key, self.call = args, key, call
        self.looked = True
        self.start: Start | None = None
        self.began: float | None = None
        self.settled = self.fatal = self.stored = False
        self.value: Any = None
        self.error: BaseException | None = None

    @property
    def runs_since(self) -> float | None:
        """When its call began; None before that: also while it waits for its permit."""
        return self.began if self.start is None else self.start.began


class Lookups:
    """Looks up what is stored for the inputs of a map.

    Attributes:
        size: how many inputs the next page should have.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._task, self._engine = target.task, target.engine
        self.size = FIRST

    def page(self, inputs: list[Args]) -> list[Any]:
        """For each input its value, or an `Item` where that is not found at once."""
        if not self._engine.active or not self._target.is_cached_by_call:
            return [Item(args) for args in inputs]
        try:
            return self._looked_up(inputs)
        except Exception as error:  # of a store that answers nonsense, say
            self._report(error)
            return [Item(args) for args in inputs]

    def _looked_up(self, inputs: list[Args]) -> list[Any]:
        keys = self._target.keys(inputs) if self._may_be_plain() else None
        page, found = self._by_calls(inputs) if keys is None else self._by_keys(inputs, keys)
        self._engine.uses.bound()
        self.adapt(found.values())
        return page

    def _report(self, error: Exception) -> None:
        advice = "Each call looks for its own result, and nothing is lost"
        self._engine.reporter.report("look up", self._target.name, error, advice)

    def _may_be_plain(self) -> bool:
        """Whether a result that lies in its row, and never expires, needs no more than its digest.

        As on the fast path of single hits.
        """
        task, engine = self._task, self._engine
        if task.ttl is not None or task.classes is not None or task.refreshes or task.to_compare:
            return False
        return engine.cache.signing_keys is None and not engine.detours

    def _find(self, keys: list[str]) -> Mapping[str, Found]:
        """What is stored of these; what waits to be stored has a look-up of its own."""
        cache = self._engine.cache
        if cache.writer.pending:
            keys = [key for key in keys if key not in cache.writer.pending]
        if not keys:
            return {}
        try:
            return cache.store.find_many(keys)
        except MetadataBusyError:  # the calls wait for it, each where it may
            return {}
        except Exception as error:
            self._report(error)
            return {}

    # ------------------------------------------------------------------------------ in bulk

    def _by_keys(
        self, inputs: list[Args], keys: list[str]
    ) -> tuple[list[Any], Mapping[str, Found]]:
        """The page where a hit needs nothing but its key; as `fast_path.quick` does it."""
        found = self._find([*filter(None, keys)])
        form = self._task.form
        codec, loads, ending = form.codec, form.serializer.loads, f"\n{form.codec}\n"
        page: list[Any] = []
        hits: list[tuple[str, Plain]] = []
        for args, key in zip(inputs, keys, strict=True):
            entry: Any = found.get(key)
            if type(entry) is not tuple or entry[4] != codec:
                page.append(self._otherwise(args, key, entry))
                continue
            data = entry[0]
            try:
                if len(data) > SMALL or xxh3_128_digest((key + ending).encode() + data) != entry[1]:
                    page.append(self._otherwise(args, key, entry))
                    continue
                page.append(loads(data))
            except Exception:  # its own call meets the failure again, and says it
                page.append(Item(args, key))
                continue
            hits.append((key, entry))
        self._count(hits)
        return page, found

    def _otherwise(self, args: Args, key: str, entry: Found | None) -> Any:
        """What is no plain hit, or may not be one."""
        if entry is None and key not in self._engine.cache.writer.pending:
            return Item(args, key)
        return self._result(args, self._addressed(args), entry)

    def _count(self, hits: list[tuple[str, Plain]]) -> None:
        """Count hits, and tell of them."""
        counted, uses, observers = self._task.counted, self._engine.uses, self._engine.observers
        saved = spared = 0.0
        for _, (_, _, took, _, _, price) in hits:
            saved += took or 0.0
            spared += price or 0.0
        counted.seconds_saved += saved
        counted.money_saved += spared
        counted.hits += len(hits)
        now = monotonic()
        uses.seen.update(dict.fromkeys([key for key, _ in hits], now))
        if now > uses.due:
            uses.write_later()
        for key, entry in hits if observers.told else ():
            data, _, took, made_at, _, price = entry
            name = self._task.func_identifier
            observers.hit(name, key, took, made_at, price, "store", len(data))

    # -------------------------------------------------------------------------- call by call

    def _by_calls(self, inputs: list[Args]) -> tuple[list[Any], Mapping[str, Found]]:
        """The page where each call is looked at."""
        calls = [self._addressed(args) for args in inputs]
        found = self._find([call.key for call in calls if call.key and not call.refresh])
        page = [
            self._result(args, call, found.get(call.key))
            for args, call in zip(inputs, calls, strict=True)
        ]
        return page, found

    def _addressed(self, args: Args) -> Call:
        call = self._target.call(args)
        join(self._engine, call)
        try:
            call.task.addressing.address(call)
        except Exception:
            call.key = ""  # its own call meets the failure again, and says it
        return call

    def _result(self, args: Args, call: Call, entry: Found | None) -> Any:
        if entry is None:
            waits = call.key in self._engine.cache.writer.pending
            return Item(args, call.key, call if waits else None)
        return self._recalled(args, call, in_full(entry))

    def _recalled(self, args: Args, call: Call, entry: Entry) -> Any:
        """The value of any entry, or an `Item` where it expired, failed, or takes long to read."""
        call.found = entry
        value = self._engine.cache.recall(call, in_place=True)
        if value is MISSING:
            return Item(args, call.key)
        if value is ELSEWHERE or value.__class__ is StoredError:  # whose own look-up raises it
            call.found = entry
            return Item(args, call.key, call)
        self._engine.hit(call)
        return value

    def adapt(self, found: Iterable[Found]) -> None:
        """Have the next page be larger, unless these results are large."""
        fits = BYTES // max(1, *[_length(entry) for entry in found], 1)
        self.size = max(1, min(2 * self.size, LARGEST, fits))

    # -------------------------------------------------------------------------- one by one

    def look(self, item: Item) -> Any:
        """What is found for an item that is to be looked up singly, as `Made`, or `MISSING`.

        It may block.
        """
        call, item.call = item.call, None
        assert call is not None  # noqa: S101 - the callers ask
        try:
            value = answer(self._engine, call, in_place=False, stale=False)
        except Exception as error:
            if not call.is_hit:
                raise
            return Made(None, error.with_traceback(None))  # else it would lead here: a cycle
        return value if value is MISSING else Made(value)

    def copies(self, followers: list[Item], made: Made) -> list[Any]:
        """For each input that waited for an equal one a copy of what that came to, or `MISSING`.

        It is called before anybody gets that, and may change it.
        """
        nothing = [MISSING] * len(followers)
        if not followers or made.is_stored is None:  # it belongs to its own caller alone
            return nothing
        try:
            payload = self._task.form.encode(made.value, as_media=False)
            data: object = payload.data
            return (
                nothing
                if isinstance(data, FileData)
                else [self._copy(item, payload) for item in followers]
            )
        except Exception:  # no copy can be made: each runs the function itself
            return nothing

    def _copy(self, item: Item, payload: Payload) -> Any:
        call = self._target.call(item.args)
        call.key = item.key
        value = call.task.form.restore(payload)
        self._engine.hit(call, "run")
        return value


def _length(entry: Found) -> int:
    """The bytes of an entry, without compression."""
    shown: Any = entry  # no `in_full`: a page has a thousand
    is_plain = type(entry) is tuple
    data, codec = (shown[0], shown[4]) if is_plain else (shown.result_data, shown.serializer)
    if codec is not None and codec.startswith(COMPRESSED):
        return plain_size(codec) or 0
    return len(data or b"")
