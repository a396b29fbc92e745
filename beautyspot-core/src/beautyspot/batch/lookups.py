"""`Lookups`: the results of many inputs, looked up a page at a time.

What is found is restored and counted as a single hit is. Whatever can't be looked up in bulk goes
the ordinary way of a call.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_128_digest

from beautyspot.batch.targets import Made
from beautyspot.calls.blocks import join
from beautyspot.calls.flow import answer
from beautyspot.contracts import Entry, entry_of, in_full
from beautyspot.errors import MetadataBusyError
from beautyspot.results.validity import ELSEWHERE, MISSING, SMALL
from beautyspot.serialization.compression import plain_of
from beautyspot.serialization.payload import COMPRESSED, StoredError

if TYPE_CHECKING:
    from collections.abc import Iterable

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

AT_ONCE: Final = 16
"""Blobs that are read at a time, where a storage has to be asked over a network."""

BYTES: Final = 8 * 2**20
"""Bytes of results in a page, about. It bounds the memory."""


class Item:
    """An input on its way to a result that was not found at once.

    Attributes:
        args: what the function is called with.
        key: of that call; "" where it has none.
        call: what is stored of it is yet to be read; None where nothing is.
        made: what was stored, once it is read; or what its call came to, in a thread here.
        start: stops its call as long as that waits for its permit; None where it needs none.
        began: when its call was made, on the monotonic clock; None before that.
        settled: whether it has a result, or an error.
        fatal: whether its error ends the map.
        stored: whether its error was stored, and so is a hit.
    """

    __slots__ = (
        *("args", "began", "call", "error", "fatal", "key"),
        *("made", "settled", "start", "stored", "value"),
    )

    def __init__(self, args: tuple[Any, ...], key: str = "", call: Call | None = None) -> None:
        self.args, self.key, self.call = args, key, call
        self.made: Made | None = None
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
        """For each input its value, or an `Item` where that is not found at once.

        Those with a `call` are to be given to `read`.
        """
        if not self._engine.active or self._task.options.each is not None:
            return [Item(args) for args in inputs]
        try:
            page, found = self._looked_up(inputs)
            self._engine.uses.bound()
            is_read = any(each.__class__ is Item and each.call is not None for each in page)
            self.size = next_size(self.size, found, AT_ONCE if is_read else LARGEST)
            return page
        except Exception as error:  # of a store that answers nonsense, say
            self._report(error)
            return [Item(args) for args in inputs]

    def _report(self, error: Exception) -> None:
        advice = "Each call looks for its own result, and nothing is lost"
        self._engine.reporter.report("look up", self._target.name, error, advice)

    def _looked_up(self, inputs: list[Args]) -> tuple[list[Any], Iterable[Found]]:
        """The page, and what was found for it.

        A result that lies in its row, and never expires, needs no more than its key and its digest,
        as on the fast path of single hits.
        """
        task, engine = self._task, self._engine
        needs_calls = task.ttl is not None or task.classes is not None or task.refreshes
        needs_calls = bool(needs_calls or task.to_compare or engine.detours)
        keys = None
        if not needs_calls and engine.cache.signing_keys is None:
            keys = self._target.keys(inputs)
        if keys is None:
            calls = [self._addressed(args) for args in inputs]
            found = self._find([call.key for call in calls if call.key and not call.refresh])
            page = [
                self._recalled(call, found.get(call.key), args)
                for args, call in zip(inputs, calls, strict=True)
            ]
            return page, found.values()
        found = self._find([*filter(None, keys)])
        form = self._task.form
        codec = form.codec if form.draw is None else ""  # as in `fast_path.quick`
        loads, ending = form.serializer.loads, f"\n{codec}\n"
        page = []
        hits: list[tuple[str, Plain]] = []
        for args, key in zip(inputs, keys, strict=True):
            entry: Any = found.get(key)
            try:
                if entry is None:
                    page.append(Item(args, key))
                elif (
                    type(entry) is tuple
                    and entry[4] == codec
                    and len(entry[0]) <= SMALL
                    and xxh3_128_digest((key + ending).encode() + entry[0]) == entry[1]
                ):
                    page.append(loads(entry[0]))
                    hits.append((key, entry))
                else:
                    page.append(self._recalled(self._addressed(args), entry, args))
            except Exception:  # its own call meets the failure again, and says it
                page.append(Item(args, key))
        self._count(hits)
        return page, found.values()

    def _find(self, keys: list[str]) -> dict[str, Found]:
        """What is stored of these, or on its way to the store."""
        cache, found = self._engine.cache, dict[str, "Found"]()
        for key in keys if cache.writer.pending else ():
            pending = cache.writer.pending.get(key)
            if pending is not None:
                found[key] = entry_of(pending.record)
        asked = [key for key in keys if key not in found] if found else keys
        try:
            return {**found, **cache.store.find_many(asked)} if asked else found
        except MetadataBusyError:  # the calls wait for it, each where it may
            return found
        except Exception as error:
            self._report(error)
            return found

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

    def _addressed(self, args: Args) -> Call:
        call = self._target.call(args)
        join(self._engine, call)
        try:
            call.task.addressing.address(call)
        except Exception:
            call.key = ""  # its own call meets the failure again, and says it
        return call

    def _recalled(self, call: Call, found: Found | None, args: Args) -> Any:
        """The value of any entry, or an `Item` where it expired, failed, or takes long to read."""
        if found is None:
            return Item(args, call.key)
        entry = call.found = in_full(found)
        value = self._engine.cache.recall(call, in_place=True)
        if value is MISSING:
            return Item(args, call.key)
        if value is ELSEWHERE or value.__class__ is StoredError:  # whose own look-up raises it
            call.found = entry
            return Item(args, call.key, call)
        self._engine.hit(call)
        return value

    # --------------------------------------------------------------------- what takes longer

    def read(self, items: list[Item]) -> None:
        """Read what is stored for items with a `call`, several at once from a server; may block."""
        storage = self._engine.cache.storage()
        if len(items) == 1 or storage is None or not storage.blocking:
            for item in items:
                self._read(item)
            return
        with ThreadPoolExecutor(AT_ONCE, "beautyspot") as pool:
            for done in [pool.submit(copy_context().run, self._read, item) for item in items]:
                done.result()

    def _read(self, item: Item) -> None:
        item.made, item.call = self._made(item.call), None

    def _made(self, call: Call | None) -> Made | None:
        assert call is not None  # noqa: S101 - the callers ask
        try:
            value = answer(self._engine, call, in_place=False, stale=False)
        except Exception as error:
            if not call.is_hit:  # its own call meets the failure again, and raises it
                return None
            return Made(None, error.with_traceback(None))  # else it would lead here: a cycle
        return None if value is MISSING else Made(value)


def next_size(size: int, found: Iterable[Found], largest: int) -> int:
    """How many inputs the page after one of this size should have: fewer of large results."""
    longest = 1
    for entry in found:
        shown: Any = entry  # no `in_full`: a page has a thousand
        is_plain = type(entry) is tuple
        data, codec = (shown[0], shown[4]) if is_plain else (shown.result_data, shown.serializer)
        if codec is not None and codec.startswith(COMPRESSED):
            longest = max(longest, plain_of(codec)[1] or 0)
        elif data is not None and len(data) > longest:
            longest = len(data)
    return max(1, min(2 * size, largest, BYTES // longest))
