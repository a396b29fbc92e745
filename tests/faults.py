"""Backends in memory with a switch: one operation at a time fails, in one of several ways.

`CELLS` is the whole table of operations and faults: for each pair how it is tested, or the reason
why it can't exist. `test_fault_matrix.py` holds that none is left empty.
"""

from __future__ import annotations

import inspect
from typing import Any

from beautyspot.contracts import (
    BlobStorageBase,
    KeyGenBase,
    Lease,
    LimiterBase,
    MetadataStoreBase,
    Reservation,
    SerializerBase,
    found_in,
)
from beautyspot.errors import BeautyspotError, MetadataError, StorageError
from beautyspot.keys.generator import KeyGen
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.serialization.serializer import MsgpackSerializer

PATIENCE = 30.0

FAULTS = ("raises", "raises another's error", "returns garbage", "half written")

GARBAGE = (None, object(), "text", -1, b"\xc1", [b"x"], ("a", 2, object()))


class Foreign(Exception):
    """An error that no contract allows."""


class Switch:
    """Which operation fails, and how; nothing does while `operation` is None."""

    def __init__(self, error: type[BeautyspotError] = BeautyspotError) -> None:
        self.operation: str | None = None
        self.fault = ""
        self.garbage: object = None
        self.error = error
        self.met = 0

    def turn_on(self, operation: str, fault: str, garbage: object = None) -> None:
        self.operation, self.fault, self.garbage = operation, fault, garbage
        self.met = 0

    def turn_off(self) -> None:
        self.operation = None

    def __call__(self, operation: str, real: Any, half: Any = None) -> Any:
        if self.operation != operation:
            return real()
        self.met += 1
        if self.fault == "raises":
            raise self.error(f"can't {operation}: start the server")
        if self.fault == "raises another's error":
            raise Foreign(operation)
        if self.fault == "half written":
            return half()
        real()
        return self.garbage


class FaultyLease(Lease):
    def __init__(self, lease: Lease, switch: Switch) -> None:
        self._lease = lease
        self._switch = switch

    def release(self) -> None:
        self._switch("release", self._lease.release)


def half_of(record: Any) -> Any:
    data = record.result_data
    return record._replace(result_data=None if data is None else data[: len(data) // 2])


class FaultyStore(MemoryMetadataStore):
    """Half written is: the row with half of its data, then an error."""

    name = "faulty"
    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.switch = Switch(MetadataError)

    def _torn(self, records: Any) -> None:
        for record in list(records)[:1]:
            super().put(half_of(record))
        raise MetadataError("broke off in the middle: mend the disk")

    @property
    def store_id(self) -> str:
        return self.switch("store_id", lambda: self._store_id)

    def open(self) -> None:
        self.switch("open", super().open)

    def get(self, key: str) -> Any:
        return self.switch("get", lambda: MemoryMetadataStore.get(self, key))

    def find(self, key: str) -> Any:
        record = MemoryMetadataStore.get(self, key)
        found = None if record is None else found_in(record)
        return self.switch("find", lambda: found)

    def find_code(self, key: str) -> Any:
        record = MemoryMetadataStore.get(self, key)
        return self.switch("find_code", lambda: None if record is None else record.code)

    def find_many(self, keys: Any) -> Any:
        return self.switch("find_many", lambda: MetadataStoreBase.find_many(self, keys))

    def put(self, record: Any) -> None:
        self.switch(
            "put", lambda: MemoryMetadataStore.put(self, record), lambda: self._torn([record])
        )

    def put_many(self, records: Any) -> None:
        records = list(records)

        def put_all() -> None:
            for record in records:
                MemoryMetadataStore.put(self, record)

        self.switch("put_many", put_all, lambda: self._torn(records))

    def note_invalidation(self, what: Any) -> None:
        self.switch("note_invalidation", lambda: MemoryMetadataStore.note_invalidation(self, what))

    def generation(self) -> Any:
        return self.switch("generation", super().generation)

    def now(self) -> Any:
        return self.switch("now", super().now)

    def delete(self, key: str) -> bool:
        return self.switch("delete", lambda: MemoryMetadataStore.delete(self, key))

    def scan(self, **filters: Any) -> Any:
        return self.switch("scan", lambda: MemoryMetadataStore.scan(self, **filters))

    def totals(self) -> Any:
        return self.switch("totals", super().totals)

    def touch(self, used: Any) -> None:
        self.switch("touch", lambda: None)

    def try_lease(self, key: str) -> Any:
        lease = MemoryMetadataStore.try_lease(self, key)
        try:
            given = self.switch("try_lease", lambda: lease)
        except Exception:
            if lease is not None:
                lease.release()
            raise
        if given is not lease and lease is not None:
            lease.release()
        return FaultyLease(given, self.switch) if isinstance(given, Lease) else given

    def begin(self, key: str) -> Any:
        begun = MetadataStoreBase.begin(self, key)
        try:
            given = self.switch("begin", lambda: begun)
        except Exception:
            if begun is not None:
                begun.lease.release()
            raise
        if given is not begun and begun is not None:
            begun.lease.release()
        return given

    def close(self) -> None:
        self.switch("close", lambda: None)


class QuickFaultyStore(FaultyStore):
    """The same, asked in place as SQLite is."""

    blocking = False


class FaultyStorage(MemoryStorage):
    """Half written is: half of a blob, and its location, as if all were well."""

    name = "faulty"
    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.switch = Switch(StorageError)

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> Any:
        def save(part: Any) -> str:
            return MemoryStorage.save(self, key, part, content_type=content_type)

        return self.switch("save", lambda: save(data), lambda: save(data[: len(data) // 2]))

    def load(self, location: str) -> Any:
        return self.switch("load", lambda: MemoryStorage.load(self, location))

    def delete(self, location: str) -> None:
        self.switch("delete", lambda: MemoryStorage.delete(self, location))

    def whereabouts(self, location: str) -> Any:
        return self.switch("whereabouts", lambda: location)

    def list(self, prefix: str = "") -> Any:
        return self.switch("list", lambda: MemoryStorage.list(self, prefix))

    def close(self) -> None:
        self.switch("close", lambda: None)


class FaultySerializer(MsgpackSerializer):
    name = "faulty"

    def __init__(self) -> None:
        super().__init__()
        self.switch = Switch()

    def dumps(self, value: object) -> Any:
        real = super().dumps
        return self.switch("dumps", lambda: real(value), lambda: bytes(real(value))[:1] + b"\xc1")

    def loads(self, data: Any) -> Any:
        real = super().loads
        return self.switch("loads", lambda: real(data))

    def vouching(self, types: Any) -> Any:
        del types
        return self.switch("vouching", lambda: self)

    def register(self, *args: Any, **options: Any) -> None:
        real = super().register
        self.switch("register", lambda: real(*args, **options))


class FaultyKeyGen(KeyGen):
    name = "faulty"

    def __init__(self) -> None:
        super().__init__()
        self.switch = Switch()

    def input_id(self, args: Any, kwargs: Any) -> Any:
        real = super().input_id
        return self.switch("input_id", lambda: real(args, kwargs))

    def canonical(self, value: object) -> Any:
        real = super().canonical
        return self.switch("canonical", lambda: real(value))


class FaultyLimiter(LimiterBase):
    name = "faulty"

    def __init__(self) -> None:
        self.switch = Switch()

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Any:
        return self.switch("reserve", lambda: Reservation(1e-9, cost))

    def remaining(self, reservation: Reservation) -> Any:
        return self.switch("remaining", lambda: 0.0)

    def wake_early(self, reservation: Reservation, wake: Any) -> Any:
        return self.switch("wake_early", lambda: False)

    def release(self, reservation: Reservation) -> None:
        self.switch("release", lambda: None)

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        self.switch("settle", lambda: None)


# ---------------------------------------------------------------------------------- the table

BASES: dict[str, type] = {
    "metadata": MetadataStoreBase,
    "storage": BlobStorageBase,
    "serializer": SerializerBase,
    "keygen": KeyGenBase,
    "limiter": LimiterBase,
}

NO_OPERATION = {"defaults", "options_from_url"}  # of the class, before there is a backend
TEMPLATES = {
    *("consume", "consume_async", "try_consume"),  # made of `reserve` and `release`
    *("save_file", "load_part", "local_path"),  # of results that are files: `test_file_results.py`
    *("put_valid", "put_many_valid"),  # of `put`, `put_many` and `generation`
    *("page", "counts", "function_totals", "for_looking"),  # of those that look: `core/inspecting`
    *("counts_by_function", "examine", "loads_for_looking"),  # of those that look, too
    *("sweep", "own_storage"),  # of `collect`: `test_collecting.py`; `test_shared_stores.py`
    *("add_counts", "remark", "remarks"),  # these are tested in `test_counters.py`
}


def operations(point: str) -> list[str]:
    """What a backend of an extension point can be asked to do."""
    named = {
        name
        for name, member in inspect.getmembers(BASES[point])
        if not name.startswith("_") and (callable(member) or isinstance(member, property))
    }
    more = {"release"} if point == "metadata" else set()  # of a lease
    return sorted((named | more) - NO_OPERATION - TEMPLATES)


IN_PLACE = (
    "its backends state blocking = False: they compute in the caller's thread, and wait for none"
)
NO_ANSWER = "it answers nothing that could be garbage"
ASKS = "a question writes nothing"
TRUSTED = "what it answers is right by definition: nobody else knows the value, or the key"
BUILD_TIME = "called when a function is decorated or a type registered: a mistake there is raised"
ENTRY = "None, or a bool, is as good an answer as another: any other is taken as true or false"
ASKERS = "no call comes by it, and who asks gets what follows: an error, or as wrong an answer"

TESTED = "tested"

_WRITES = {"put", "put_many"}
_SILENT = {"open", "put", "put_many", "touch", "release", "close", "note_invalidation"}


_WAITS = "only calls that wait for a lease come by it: see `test_lease_watcher.py`"

_ELSEWHERE = {
    "begin_many": "only calls of lists come by it: see `test_remote_leases.py`",
    "renew": "only a thread of the store comes by it: see `test_heartbeat.py`",
    "leased": _WAITS,
    "next_releases": _WAITS,
    "stop_listening": _WAITS,
    "find_many": "only lists and maps come by it: see `test_items.py`, `test_map_lookups.py`",
    "share_waits": "only a call that waits for a lease comes by it: see `test_long_waits.py`",
    "lease_holder": "only a call that waits for a lease comes by it: see `test_long_waits.py`",
    "put_at_once": "only tasks of a store that answers at once come by it: see `test_at_once.py`",
    "invalidated_since": "only a call that follows another one: see `test_invalidated.py`",
}


def _metadata(operation: str, fault: str) -> str:
    if fault == "half written":
        return TESTED if operation in _WRITES else ASKS
    if fault == "returns garbage" and operation in _SILENT:
        return NO_ANSWER
    if fault == "returns garbage" and operation == "delete":
        return ENTRY
    if fault == "returns garbage" and operation == "scan":
        return ASKERS
    return _ELSEWHERE.get(operation, TESTED)


def _storage(operation: str, fault: str) -> str:
    if operation == "whereabouts" and fault == "returns garbage":
        return "a text for people, made of another: it reaches nothing, and nothing relies on it"
    if fault == "half written":
        return TESTED if operation == "save" else ASKS
    if fault == "returns garbage" and operation in ("delete", "close"):
        return NO_ANSWER
    if fault == "returns garbage" and operation == "list":
        return ASKERS
    return TESTED


def _serializer(operation: str, fault: str) -> str:
    if operation in ("vouching", "register", "supporting", "close"):
        return BUILD_TIME if operation != "close" else IN_PLACE
    if operation == "loads" and fault == "returns garbage":
        return TRUSTED
    if fault == "half written" and operation == "loads":
        return ASKS
    return TESTED


STREAM = (
    "a stream has no single flight, no shortest way to a hit, and leaves blobs to the collector"
)


def possible(operation: str, kind: str) -> bool:
    """Whether a kind of function comes by an operation at all; else see `STREAM`."""
    no_stream = ("begin", "try_lease", "release", "storage delete", "generation")
    return "generator" not in kind or operation not in no_stream


_RIGHT: dict[str, type] = {
    "input_id": str,
    "canonical": str,
    "reserve": type(None),
    "get": type(None),
    "find": type(None),
    "try_lease": type(None),
    "begin": type(None),
    "store_id": str,
    "generation": int,
}


def garbage_for(operation: str) -> list[object]:
    """What can be told from a right answer."""
    right = _RIGHT.get(operation, ())
    return [value for value in GARBAGE if not isinstance(value, right)]


def _keygen(operation: str, fault: str) -> str:
    if operation == "supporting":
        return BUILD_TIME
    if operation == "close":
        return IN_PLACE
    return ASKS if fault == "half written" else TESTED


def _limiter(operation: str, fault: str) -> str:
    if operation == "release":
        return "only a caller who is interrupted while waiting comes by it"
    if operation not in ("reserve", "remaining", "wake_early"):
        return "no call of a marked function comes by it"
    if operation == "remaining" and fault == "returns garbage":
        return "a number of seconds is right by definition, and any other an error as if raised"
    if operation == "wake_early" and fault == "returns garbage":
        return "all that is true is a yes"
    return "a limiter writes nothing of the user's" if fault == "half written" else TESTED


_KNOWN = {
    "metadata": _metadata,
    "storage": _storage,
    "serializer": _serializer,
    "keygen": _keygen,
    "limiter": _limiter,
}

CELLS: dict[tuple[str, str, str], str] = {
    (point, operation, fault): _KNOWN[point](operation, fault)
    for point in BASES
    for operation in operations(point)
    for fault in FAULTS
}
