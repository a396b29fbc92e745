"""`Lookups`: the results of many inputs, looked up a page at a time.

What is found is restored and counted as a single hit is. Whatever can't be looked up in bulk goes
the ordinary way of a call.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.items import Item
from beautyspot.calls.blocks import join
from beautyspot.calls.flow import answer
from beautyspot.errors import RestoreError
from beautyspot.results.validity import ELSEWHERE, MISSING, fingerprint
from beautyspot.serialization.file_data import FileData
from beautyspot.serialization.payload import Payload, StoredError

if TYPE_CHECKING:
    from beautyspot.batch.targets import Target
    from beautyspot.contracts import Entry
    from beautyspot.tasks.task import Call

    Args = tuple[Any, ...]

FIRST: Final = 8
"""Inputs of the first page, so that the first result comes at once."""

LARGEST: Final = 1000
"""Inputs of the largest page."""

BYTES: Final = 8 * 2**20
"""Bytes of results in a page, about. It bounds the memory."""


class Lookups:
    """Looks up what is stored for the inputs of a map.

    Attributes:
        size: how many inputs the next page should have.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._task, self._engine = target.task, target.engine
        self.size = FIRST
        self._plain = self._has_asked = False

    def page(self, inputs: list[Args]) -> list[Any]:
        """For each input its value, or an `Item` where that is not found at once."""
        if not self._engine.active or not self._target.is_cached_by_call:
            return [Item(args) for args in inputs]
        calls = [self._addressed(args) for args in inputs]
        self._has_asked = True
        found = self._find([call.key for call in calls if call.key and not call.refresh])
        self._plain = self._may_be_plain()
        page = [
            self._result(args, call, found.get(call.key))
            for args, call in zip(inputs, calls, strict=True)
        ]
        self._engine.uses.bound()
        self._adapt(page, found)
        return page

    def _may_be_plain(self) -> bool:
        """Whether a result that lies in its row, and never expires, needs no more than its digest.

        As on the fast path of single hits.
        """
        task, engine = self._task, self._engine
        plain = task.ttl is None and engine.cache.signing_keys is None and task.classes is None
        return plain and not engine.detours

    def _addressed(self, args: Args) -> Call:
        call = self._target.call(args)
        join(self._engine, call)
        try:
            call.task.addressing.address(call)
        except Exception:
            call.key = ""  # its own call meets the failure again, and says it
        return call

    def _find(self, keys: list[str]) -> dict[str, Entry]:
        """What is stored of these; what waits to be stored has a look-up of its own."""
        cache = self._engine.cache
        if cache.waiting:
            keys = [key for key in keys if key not in cache.waiting]
        if not keys:
            return {}
        try:
            return cache.metadata.find_many(keys)
        except Exception as error:
            advice = "Each call looks for its own result, and nothing is lost"
            self._engine.reporter.report("look up", self._target.name, error, advice)
            self._has_asked = False
            return {}

    def _result(self, args: Args, call: Call, entry: Entry | None) -> Any:
        if entry is None:
            return self._missed(args, call)
        is_plain = entry.result_data is not None and entry.expires_at is None
        if self._plain and is_plain and not self._task.to_compare:
            try:
                return self._restored(call, entry)
            except Exception:  # its own call meets the failure again, and says it
                return Item(args, call.key)
        return self._recalled(args, call, entry)

    def _missed(self, args: Args, call: Call) -> Item:
        """An item whose result was not found; its call need not look for that again.

        It does look again once other processes are kept out. Without that, as in other modes, much
        may have been stored before it begins. An earlier name is looked up singly.
        """
        if call.key in self._engine.cache.waiting or (call.key and call.task.addressing.earlier):
            return Item(args, call.key, call)
        item = Item(args, call.key)
        if call.key:
            item.missed = call
            call.looked = self._has_asked and call.mode == "normal"
        return item

    def _restored(self, call: Call, entry: Entry) -> Any:
        """The value of a plain entry, counted as `fast_path.quick` does."""
        data, codec, key = entry.result_data, entry.serializer, call.key
        if data is None or codec is None or fingerprint(key, codec, data) != entry.digest:
            raise RestoreError(key)
        form = self._task.form
        if codec == form.codec and not form.streams:
            value = form.serializer.loads(data)
        else:
            value = form.restore(Payload(data, codec))
        counted, uses, observers = self._task.counted, self._engine.uses, self._engine.observers
        price, took = entry.price, entry.took
        counted.money_saved += price or 0.0
        counted.seconds_saved += took or 0.0
        counted.hits += 1
        uses.seen[key] = now = monotonic()
        if now > uses.due:
            uses.write_later()
        if observers.told:
            name = self._task.func_identifier
            observers.hit(name, key, took, entry.made_at, price, "store", len(data))
        return value

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

    def _adapt(self, page: list[Any], found: dict[str, Entry]) -> None:
        """Choose the size of the next page: large where most are hits, and these are small."""
        hits = sum(each.__class__ is not Item for each in page)
        size = 2 * self.size if 2 * hits >= len(page) else self.size // 2
        largest = max((len(entry.result_data or b"") for entry in found.values()), default=0)
        fits = BYTES // largest if largest else LARGEST
        self.size = max(1, min(max(FIRST, size), LARGEST, fits))

    # -------------------------------------------------------------------------- one by one

    def look(self, item: Item) -> Any:
        """The value of an item that is to be looked up singly, which may block; or `MISSING`.

        Where an equal input's call has made a result that is not stored, it is a copy of that.
        """
        call, copied = item.call, item.copied
        assert call is not None  # noqa: S101 - the callers ask
        item.call = item.copied = None
        value = answer(self._engine, call, in_place=False, stale=False)
        if value is not MISSING or copied is None or not call.key:
            return value
        try:
            value = call.task.form.restore(copied)
        except Exception as error:
            advice = "The function runs instead"
            self._engine.reporter.report("restore", self._target.name, error, advice)
            return MISSING
        self._engine.hit(call, "run")
        return value

    def follow(self, followers: list[Item], value: Any) -> None:
        """Have the inputs that waited for an equal one get results of their own.

        It is called before anybody gets `value`, and may change it.
        """
        copied = self._copied(value) if followers else None
        for item in followers:
            item.call, item.copied = self._target.call(item.args), copied

    def _copied(self, value: Any) -> Payload | None:
        try:
            payload = self._task.form.encode(value, as_media=False)
        except Exception:  # no copy can be made: each runs the function itself
            return None
        data: object = payload.data
        return None if isinstance(data, FileData) else payload
