"""The contracts: what a backend of each of the five extension points must and may do.

Small on purpose. A backend implements the abstract methods, which move bytes and nothing else;
whatever needs a policy is a template method here, and an optional ability is a method that answers
`NotSupportedError` until a backend brings it.

Backends are written synchronously, and are called from many threads at once. One whose operations
take microseconds sets `blocking = False` and is then called in place, on the event loop too; any
other is called in the Spot's executor by asynchronous functions.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from beautyspot.contracts.wrong_answers import wrong_answer
from beautyspot.errors import ConfigError, NotSupportedError, PluginError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

DIRECT_BLOB: Final = "DIRECT_BLOB"
"""`TaskRecord.result_type` of a result whose bytes stand in the row."""

FILE: Final = "FILE"
"""`TaskRecord.result_type` of a result whose bytes are in the blob storage."""

KEY_SCHEME: Final = 1
"""The number of the way in which keys are made. It is part of every key and stands in every row."""

Data = bytes | bytearray | memoryview
"""Bytes on their way to a store. A backend only reads them, and keeps no reference."""


class Context(NamedTuple):
    """What a Spot tells a backend that it makes by name: where the Spot itself lives."""

    name: str
    directory: Path
    db_path: Path


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that `path` is on, or None; only Linux tells."""
    from beautyspot import files  # not needed to import the library

    return files.network_file_system(path)


class Backend(ABC):
    """What the backends of all extension points have in common.

    Class attributes:
        name: what a user writes to select it, such as ``"s3"``; lower case, without ``:``.
        schemes: the URL schemes it answers to, such as ``("s3",)``.
        blocking: False where every operation takes microseconds.
        local: True where an operation that blocks is a call of this machine's kernel (a file, not
            a network), so that it can't hang. Core then gives it no deadline, which would cost
            a thread. An instance whose files are elsewhere (`network_file_system` tells) says
            False.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]] = ()
    blocking: ClassVar[bool] = True
    local: ClassVar[bool] = False

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """Options to assume where the user gives none; they go to the constructor."""
        del context
        return {}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The constructor's options that stand in the URL, *without* those of its query part.

        Raises:
            ConfigError: this backend has no URL form, or the URL misses something.
        """
        raise ConfigError(f"{cls.name!r} can't be selected by a URL ({url!r}): use a table")

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Give back what the backend holds. Called once, by the Spot that made it."""

    def __repr__(self) -> str:
        """Name the class and nothing else: an option may be a secret."""
        return f"<{type(self).__name__}>"


# --------------------------------------------------------------------------- metadata store


class TaskRecord(NamedTuple):
    """One row of the table `tasks`: a finished call and where its result is.

    The first nine fields are the specification's. Times in seconds are Unix time, UTC.
    """

    cache_key: str
    func_name: str
    input_id: str
    version: str | None = None
    result_type: str = DIRECT_BLOB
    content_type: str | None = None
    result_value: str | None = None  # the location in the storage; only FILE
    result_data: bytes | None = None  # only DIRECT_BLOB
    updated_at: str | None = None  # last execution, "YYYY-MM-DD HH:MM:SS[.ffffff]" in UTC
    func_identifier: str | None = None  # "module:qualified.name", or the name given to `mark`
    key_scheme: int | None = None  # None: a row of an earlier release, listed but never hit
    serializer: str | None = None
    digest: bytes | None = None  # of key, serializer and data: finds what was damaged or swapped
    size: int | None = None  # of the data, in bytes
    arg_digests: str | None = None  # JSON object: argument name -> short digest
    tags: tuple[str, ...] = ()
    made_at: float | None = None  # `updated_at` as a number
    took: float | None = None  # seconds that the user's function ran
    expires_at: float | None = None
    used_at: float | None = None  # last hit, at most an hour behind


class Entry(NamedTuple):
    """The part of a `TaskRecord` that a hit needs, and not a column more."""

    result_type: str
    result_value: str | None
    result_data: bytes | None
    serializer: str | None
    digest: bytes | None
    made_at: float | None
    expires_at: float | None
    took: float | None


class Totals(NamedTuple):
    """How much a metadata store holds."""

    entries: int
    size: int  # of all results' data, in bytes, wherever it is


class Lease(ABC):
    """The right to be the only one who computes a key, until released."""

    @abstractmethod
    def release(self) -> None:
        """Let the next one in. A second call does nothing."""


class MetadataStoreBase(Backend):
    """Keeps one `TaskRecord` a key.

    Errors: whatever goes wrong is a `MetadataError`; `MetadataBusyError` where the same call may
    succeed in a moment. Operations are atomic: a reader finds the old record, the new one or none.
    """

    leases: ClassVar[bool] = False
    """True where `try_lease` works, and excludes other processes that use the same store."""

    def open(self) -> None:
        """Reach the store and bring its schema up to date. Called by the Spot when it starts.

        It may fail and be called again. Every other operation works without it, by opening first.
        """

    @property
    @abstractmethod
    def store_id(self) -> str:
        """A random ID of 8 or more hex digits, made with the store and kept in it for good."""

    @abstractmethod
    def get(self, key: str) -> TaskRecord | None:
        """The record of `key` (a `cache_key`), or None."""

    @abstractmethod
    def put(self, record: TaskRecord) -> None:
        """Insert `record`, in place of the one with the same key."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Remove the record of `key`; False where there was none."""

    @abstractmethod
    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """All records that match every filter given, in the order of their keys.

        `result_data` is None in them unless `with_data`. Records may be put and deleted while the
        scan runs; whether it shows those is open, but it shows every other one once.
        """

    def find(self, key: str) -> Entry | None:
        """What a hit needs of the record of `key`. Never waits for a lock: `MetadataBusyError`."""
        record = self.get(key)
        if record is None:
            return None
        return Entry(*[getattr(record, field) for field in Entry._fields])

    def find_plain(self, key: str) -> tuple[Any, bytes | None, float | None] | tuple[()] | None:
        """`result_data`, `digest` and `took` of a record that lies in its row and never expires.

        ``()`` where there is no record, None for every other one: then `find` is asked. This is the
        whole reading of most hits, so a store that can do it quicker than `find` does it here.
        """
        entry = self.find(key)
        if entry is None:
            return ()
        if entry.result_type != DIRECT_BLOB or entry.expires_at is not None:
            return None
        return entry.result_data, entry.digest, entry.took

    def totals(self) -> Totals:
        """How much is stored; records of earlier releases have no size, and count as 0 bytes."""
        sizes = [record.size or 0 for record in self.scan()]
        return Totals(len(sizes), sum(sizes))

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Insert several records, in one transaction where the store has such."""
        for record in records:
            self.put(record)

    def touch(self, used: Mapping[str, float]) -> None:
        """Set `used_at` of the records of these keys; a key without a record is passed over."""
        for key, when in used.items():
            record = self.get(key)
            if record is not None:
                self.put(record._replace(used_at=when))

    def try_lease(self, key: str) -> Lease | None:
        """The lease of `key`, or None while another one holds it. Returns at once.

        The lease excludes every other holder on the same store: other processes, and other
        instances of this class in the same process. It falls when its process dies.

        Raises:
            NotSupportedError: the store has no leases (`leases` is False).
        """
        raise NotSupportedError(f"the metadata store {self.name!r} has no leases ({key})")


# ------------------------------------------------------------------------------ blob storage


class BlobInfo(NamedTuple):
    """What a listing tells of one blob."""

    location: str
    size: int  # bytes
    modified_at: float  # Unix time, seconds


class BlobStorageBase(Backend):
    """Keeps blobs: bytes of any size under a location.

    Errors: `BlobNotFound` where nothing is stored, `BlobLocationError` for a key or location that
    leads outside the storage's own place, `StorageError` for whatever else goes wrong.
    """

    @abstractmethod
    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """Store `data` and return the location from which `load` reads it.

        Atomic: a reader finds the old blob, the new one or `BlobNotFound`, never a part of one; and
        durable as far as the place allows when it returns. The key is a relative path with ``/``
        between its parts and a file extension that fits `content_type`, for example
        ``"9f2c41d8/3f/3f5a…-x7k2.png"``; saving a key again replaces its blob. What is no such path
        (absolute, ``..``, NUL, a backslash) is a `BlobLocationError`.
        """

    @abstractmethod
    def load(self, location: str) -> bytes:
        """The bytes at `location`, which may come from a hostile table: check that it is yours.

        It may take another argument, ``writable: bool = False``. By True it is asked for
        a `bytearray` that nobody else has, nor ever will: the value may stay in it, where bytes
        are copied.
        """

    def whereabouts(self, location: str) -> str:
        """Where a person finds the blob, such as a path or URL; by default the location itself."""
        return location

    def delete(self, location: str) -> None:
        """Remove the blob at `location`; one that is not there is no error."""
        raise NotSupportedError(f"the storage {self.name!r} can't delete ({location})")

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose key starts with `prefix` (``""``, or whole parts: ``"9f2c41d8/"``)."""
        raise NotSupportedError(f"the storage {self.name!r} can't list its blobs ({prefix})")


# -------------------------------------------------------------------------------- serializer


class SerializerBase(Backend):
    """Turns values into bytes and back, equal and of equal type, or refuses."""

    blocking: ClassVar[bool] = False

    @abstractmethod
    def dumps(self, value: object) -> Data:
        """The bytes of `value`.

        Raises:
            SerializationError: the value has no faithful form; says which part, and what to do.
        """

    @abstractmethod
    def loads(self, data: Data) -> Any:
        """The value of `data`, which may be hostile: nothing in it is a reason to run code.

        It may take another argument, ``owned: bool = False``. Then it is told by True that `data`
        is a buffer that can be written to, and that nobody else has or will ever use: a part of the
        value may stay in it, where any other buffer has to be copied from.

        Raises:
            RestoreError: damaged, or of a class that was not vouched for.
        """

    def vouching(self, types: Iterable[Any]) -> SerializerBase:
        """A serializer that also restores these classes; `self` where that means nothing.

        Called with what stands in a marked function's return annotation (`list[Answer]` as well as
        `Answer`), once, when the function is decorated.
        """
        del types
        return self

    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Vouch for a class, with how to write it where the serializer can't know.

        Args:
            cls: the class.
            encode: turns an instance into a value that can be stored.
            decode: turns that value into an equal instance.
            name: what stands in the stored bytes; default the module and qualified name. Give it to
                keep old results readable when the class moves.
        """
        raise NotSupportedError(f"the serializer {self.name!r} takes no types ({cls.__qualname__})")


# ---------------------------------------------------------------------------- key generation


class KeyGenBase(Backend):
    """Turns a call's arguments into its `input_id`."""

    blocking: ClassVar[bool] = False

    @abstractmethod
    def input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The ID of these arguments: equal for equal ones, distinct for distinct ones.

        The arguments come normalised: whatever the signature names positionally stands in `args`,
        defaults filled in, so that `f(1)`, `f(a=1)` and `f(1, b=2)` with the default 2 are one.
        The ID is the same in every process, on every machine.

        Raises:
            UnstableKeyError: an argument has no stable form; names its path in the arguments.
        """

    def canonical(self, value: object) -> str:
        """The stable text of one value, for `explain`; two values are one iff their texts are."""
        raise NotSupportedError(f"the key generation {self.name!r} shows no text ({value!r:.80})")


# ------------------------------------------------------------------------------ rate limiter


class Reservation:
    """A place in the limiter's time. A limiter may subclass it to remember what it needs.

    Attributes:
        delay: seconds from the reservation until it may be used; 0.0 is at once.
        cost: what was reserved.
    """

    __slots__ = ("cost", "delay")

    def __init__(self, delay: float, cost: float) -> None:
        self.delay = delay
        self.cost = cost


class LimiterBase(Backend):
    """Grants permits at a rate: reserve first, then wait, holding no lock while waiting.

    Class attributes:
        shared: True where several processes keep one limit together. Where not, each process that
            uses it has the whole rate, and `Spot.stats` says so.
        max_cost: the largest single cost. An instance that tells its own has a constant cost above
            it refused where the decorator stands, before any call.
    """

    blocking: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    max_cost: float = math.inf

    @abstractmethod
    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        None reserves nothing. Returns at once.

        Raises:
            CostError: `cost` is not a positive finite number, or above the largest single cost.
        """

    @abstractmethod
    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, so that nobody waits for it."""

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Correct a reservation that was used, now that its real cost is known."""
        raise NotSupportedError(f"the limiter {self.name!r} can't correct a cost ({real_cost})")

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait after its delay; 0.0 is granted.

        Asked after each sleep, so a limiter overrides it whose plan may change while somebody
        waits, by a pause or because the machine slept. Once it has answered 0.0, the reservation
        counts as used.
        """
        del reservation
        return 0.0

    def pause(self, seconds: float) -> None:
        """Grant nothing for so many seconds from now: what a server's ``Retry-After`` asks for.

        Those who wait already are held too. Pauses overlap, they don't add up.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't pause ({seconds} s)")

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve`, at the earliest time that is `seconds` away or more.

        What lies before stays free for others. Several limits that are kept together need it: their
        reservations must begin at one moment, or calls that waited for one limit would go in a
        bunch that breaks another.
        """
        raise NotSupportedError(
            f"the limiter {self.name!r} can't be kept together with others ({cost}, {seconds} s)"
        )

    def twin(self, key: str) -> LimiterBase:
        """A limiter like this one, fresh, for what `key` names: a host, a customer.

        A pause of this one is a pause of all its twins, also of those to come. One that is shared
        by processes is the same for the same key in all of them.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't keep a limit a key ({key!r:.80})")

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed: from then on it is as good as a new one.

        A twin is forgotten then.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't tell how long it is busy")

    def wait_for(self, cost: float = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now. It reserves nothing.

        Who is refused is told by it when to come again.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't tell how long {cost} would wait")

    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """Wait until `cost` is granted; with a `timeout` of 0 a try that does not wait.

        Raises:
            CostError: see `reserve`.
            RateLimitError: not granted within `timeout` seconds; nothing is spent.
        """
        reservation = self._reserve_within(cost, timeout)
        try:
            for seconds in self._waits(reservation, timeout):
                self._sleep(seconds)
        except BaseException:  # Ctrl-C while waiting: the place goes back before it propagates
            self.release(reservation)
            raise
        return reservation

    async def consume_async(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """`consume` for asynchronous code; a waiter that is cancelled gives its place back."""
        reservation = self._reserve_within(cost, timeout)
        try:
            for seconds in self._waits(reservation, timeout):
                await self._sleep_async(seconds)
        except BaseException:
            self.release(reservation)
            raise
        return reservation

    def try_consume(self, cost: float = 1) -> bool:
        """Take `cost` if it is granted at once; never waits."""
        return self.reserve(cost, max_wait=0.0) is not None

    def _reserve_within(self, cost: float, timeout: float | None) -> Reservation:
        reservation = self.reserve(cost, max_wait=timeout)
        if reservation is None:
            raise self._refusal(cost, timeout)
        if not isinstance(reservation, Reservation):
            what, advice = "the Reservation", "return one, or None"
            raise PluginError(wrong_answer(self, "reserve", reservation, what, advice))
        return reservation

    def _waits(self, reservation: Reservation, timeout: float | None) -> Iterator[float]:
        """How long to sleep, again and again, until `reservation` is granted."""
        deadline = None if timeout is None else time.monotonic() + timeout
        left = reservation.delay
        while left > 0:
            yield left
            left = self.remaining(reservation)
            # The first wait was promised to be short enough; a later one comes from a pause.
            if left > 0 and deadline is not None and time.monotonic() + left > deadline:
                raise self._refusal(reservation.cost, timeout, left)

    def _refusal(
        self, cost: float, timeout: float | None, wait: float | None = None
    ) -> RateLimitError:
        """What to raise where `timeout` does not do; `wait` is how long it would take, if known."""
        if wait is None:
            with suppress(Exception):  # who is refused is told so, whatever else fails
                wait = self.wait_for(cost)
        takes = "" if wait is None else f" (it would take {wait:.3g} s now)"
        return RateLimitError(
            f"no permit of cost {cost} within {timeout} s{takes}: wait longer (timeout=), ask for "
            "less, or raise the limiter's rate",
            retry_after=wait,
        )

    def _sleep(self, seconds: float) -> None:
        """Wait; a limiter whose clock is not the system's overrides it."""
        if seconds > 0:
            time.sleep(seconds)

    async def _sleep_async(self, seconds: float) -> None:
        if seconds > 0:
            import asyncio  # takes 60 ms: synchronous programs never pay for it

            from beautyspot.concurrency.event_loops import check_asyncio

            check_asyncio("to wait for a limit")
            await asyncio.sleep(seconds)
