"""What a metadata store keeps of a finished call: `TaskRecord`, and the parts that a hit needs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECT_BLOB: Final = "DIRECT_BLOB"
"""`TaskRecord.result_type` of a result whose bytes stand in the row."""

FILE: Final = "FILE"
"""`TaskRecord.result_type` of a result whose bytes are in the blob storage."""

_SIGNATURE: Final = 32
"""Bytes of a signature; a plain digest has fewer."""

_COPY: Final = b"\x01"
"""What stands behind the digest of a row that came from another store."""

_COPIED: Final = 17
"""Bytes of a digest with that mark."""


class TaskRecord(NamedTuple):
    """One row of the table `tasks`: a finished call and where its result is.

    The first nine fields are the specification's. Times in seconds are Unix time, UTC. Later
    releases add fields at the end, with defaults: a store may keep them or leave them out.
    """

    cache_key: str  # what identifies the call: 32 hex digits
    func_name: str  # the function's bare name
    input_id: str  # what identifies its arguments: a digest, or what `key=` made of them
    version: str | None = None  # what `mark(version=)` says
    result_type: str = DIRECT_BLOB  # or FILE: where the data is
    content_type: str | None = None  # the MIME type of a result that viewers open
    result_value: str | None = None  # the location in the storage; only FILE
    result_data: bytes | None = None  # only DIRECT_BLOB
    updated_at: str | None = None  # last execution, "YYYY-MM-DD HH:MM:SS" in UTC, or finer
    func_identifier: str | None = None  # "module:qualified.name", or the name given to `mark`
    key_scheme: int | None = None  # None: a row of an earlier release, listed but never hit
    serializer: str | None = None  # the name of what made the data, such as "msgpack"
    digest: bytes | None = None  # of key, serializer and data: finds what was damaged or swapped
    size: int | None = None  # of the data, in bytes
    arg_digests: str | None = None  # JSON object: argument name -> short digest
    tags: tuple[str, ...] = ()  # of `mark(tags=)`
    made_at: float | None = None  # `updated_at` as a number
    took: float | None = None  # seconds that the function worked, once it had its permit
    expires_at: float | None = None  # when it is no longer valid; None: never
    used_at: float | None = None  # last hit, at most an hour behind
    code: str | None = None  # of the function: digests of its source and of its file, "0f…:a1…"
    arguments: str | None = None  # for people: at most 1 kB, less what is secret or ignored
    price: float | None = None  # what the execution cost, by `mark(price=)`
    began_at: float | None = None  # when its run began, by the store's clock; when it was set

    @property
    def is_signed(self) -> bool:
        """Whether it bears a signature, by whatever key, and no plain digest."""
        return type(self.digest) is bytes and len(self.digest) == _SIGNATURE


_NUMBER: Final = (int, float)

FIELD_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(TaskRecord._fields, str),
    **dict.fromkeys(("key_scheme", "size"), int),
    **dict.fromkeys(("made_at", "took", "expires_at", "used_at", "price", "began_at"), _NUMBER),
    **dict.fromkeys(("result_data", "digest"), bytes),
    "tags": tuple,
}
"""The types of the fields of a record that are not None, by which a stored row is checked."""


def clean(text: str) -> str:
    """A text less NUL and lone surrogates, which not every store can hold."""
    if text.isprintable():  # as most are, by one question
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def is_copied(digest: bytes | None) -> bool:
    """Whether the digest of a row says that it came from another store."""
    return type(digest) is bytes and len(digest) == _COPIED


def as_copied(digest: bytes | None) -> bytes | None:
    """The digest of a row that comes from another store; a signature says more, and stays."""
    return digest if digest is None or len(digest) != _COPIED - 1 else digest + _COPY


def less_mark(digest: bytes | None) -> bytes | None:
    """The digest without that mark."""
    return digest[:-1] if digest is not None and is_copied(digest) else digest


class Entry(NamedTuple):
    """The part of a `TaskRecord` that a hit needs, and not a column more.

    Attributes:
        result_type, result_value, result_data, serializer, digest: as in `TaskRecord`.
        made_at, expires_at, took, price: likewise.
    """

    result_type: str
    result_value: str | None
    result_data: bytes | None
    serializer: str | None
    digest: bytes | None
    made_at: float | None
    expires_at: float | None
    took: float | None
    price: float | None = None


Plain = tuple[bytes, bytes | None, float | None, float | None, str | None, float | None]
"""`result_data`, `digest`, `took`, `made_at`, `serializer`, `price` of a result that never expires.

Its bytes lie in its record, and `expires_at` is None. A
bare tuple and no named one, since it is made at every hit: ``type(found) is tuple`` tells.
"""


def entry_of(record: TaskRecord) -> Entry:
    """The `Entry` of a record."""
    return Entry(*[getattr(record, field) for field in Entry._fields])


def found_in(record: TaskRecord) -> Plain | Entry:
    """What `find` gives for a record."""
    data = record.result_data
    if data is None or record.expires_at is not None:
        return entry_of(record)
    return data, record.digest, record.took, record.made_at, record.serializer, record.price


def begun_at(record: TaskRecord | Entry) -> float | None:
    """When the run of a result began: its `began_at`, or `made_at` less `took`.

    Where `took` leaves out what the run waited for, that is later than it was.
    """
    if isinstance(record, TaskRecord) and record.began_at is not None:
        return record.began_at
    made, took = record.made_at, record.took
    if not isinstance(made, int | float):  # a stranger's store may give anything
        return None
    return made - took if isinstance(took, int | float) else made


def is_newer(found: TaskRecord | Entry, record: TaskRecord, now: float) -> bool:
    """Whether the run of `found` began after that of `record`.

    Not where `found` was made after `now`: that is the work of a wrong clock.
    """
    began = begun_at(found)
    if record.began_at is None or began is None or began <= record.began_at:
        return False
    return found.made_at is not None and found.made_at <= now


def is_rejected(record: TaskRecord | Entry, key: str, rejected: Mapping[str, float] | None) -> bool:
    """Whether `begin` is to take a record for none, as `rejected` says."""
    if not rejected or key not in rejected:
        return False
    made_at = as_time(record.made_at)
    return made_at is None or made_at <= rejected[key]


def as_time(found: object) -> float | None:
    """A time that stands in a row; None where what stands there is none.

    A stranger's store, or another program in ours, may give anything.
    """
    return found if isinstance(found, int | float) and found == found else None


def in_full(found: Plain | Entry | TaskRecord) -> Entry:
    """The `Entry` that `Plain` is short for, or that a record gives; an `Entry` as it is."""
    if isinstance(found, Entry):
        return found
    if isinstance(found, TaskRecord):
        return entry_of(found)
    data, digest, took, made_at, serializer, *price = found  # which older stores leave out
    return Entry(DIRECT_BLOB, None, data, serializer, digest, made_at, None, took, *price)


class Invalidation(NamedTuple):
    """What was invalidated: the results that match all that is given here; None matches any."""

    cache_key: str | None = None
    func_identifier: str | None = None
    version: str | None = None
    tag: str | None = None

    def covers(self, record: TaskRecord) -> bool:
        """Whether the result of `record` is one of these."""
        return (
            self.cache_key in (None, record.cache_key)
            and self.func_identifier in (None, record.func_identifier)
            and self.version in (None, record.version)
            and (self.tag is None or self.tag in record.tags)
        )


ALL: Final = "all"
"""The cover of every record."""

KEY: Final = "key:"
"""How the cover of a single key begins; the key follows."""


def covers_of(record: TaskRecord) -> tuple[str, ...]:
    """The covers of a record, that of its key first."""
    name = record.func_identifier or record.func_name
    return (KEY + record.cache_key, *shared_covers(name, record.version, record.tags))


def cover_of(what: Invalidation) -> str:
    """The narrowest cover of all that an invalidation matches.

    Where it names more than a cover can, the cover is a wider one: runs that are under way at that
    moment and that only the cover names are not stored, which is no harm but their cost.
    """
    if what.cache_key is not None:
        return KEY + what.cache_key
    if what.func_identifier is not None and what.version is not None:
        return _cover("version", what.func_identifier, what.version)
    if what.tag is not None:
        return _cover("tag", what.tag)
    if what.version is not None:
        return _cover("version", what.version)
    return ALL if what.func_identifier is None else _cover("func", what.func_identifier)


@lru_cache(maxsize=4096)  # those of one function are the same for nearly all of its results
def shared_covers(name: str, version: str | None, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The covers of a record beside that of its key."""
    version = version or ""
    of_tags = [_cover("tag", tag) for tag in tags]
    of_versions = _cover("version", name, version), _cover("version", version)
    return (_cover("func", name), *of_versions, *of_tags, ALL)


def _cover(kind: str, *texts: str) -> str:
    """A digest, so that names of any length and alphabet make no odd names in stores."""
    from hashlib import sha256  # a Spot without functions needs none

    joined = "\0".join(text.encode("utf-8", "backslashreplace").decode() for text in texts)
    return f"{kind}:{sha256(joined.encode()).hexdigest()[:32]}"
