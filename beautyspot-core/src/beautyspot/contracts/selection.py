"""What is asked of a store by those who look at it, and the answers: which records in which order
(`Selection`), their sums, what was counted, and what `examine` finds (of any backend).

The first Spot of a program does without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts.records import TaskRecord

Order = Literal["key", "newest", "oldest", "largest", "smallest", "slowest", "dearest", "unused"]
"""By `cache_key`; what was made last, or first, comes first; by size, time or price; what was
neither made nor used for the longest time comes first."""

Rank = tuple[bool, float, str]
"""The place of a record in an order: whether it lacks the value (such come last), the value, from
the least to the greatest, and its key."""


class Selection(NamedTuple):
    """The records that match all that is given here; None matches any. Times are Unix time.

    Attributes:
        function: a pattern for `func_identifier`: ``*`` is any text, ``?`` any character, as in
            `fnmatch.fnmatchcase`.
        version: the version; "" is a record without one.
        tag: one of the tags.
        key: how `cache_key` begins.
        made_since, made_before: `made_at` is at or after, and before.
        unused_since: neither made nor used at or after.
        expired_by: `expires_at` is at or before.
        smallest, largest: bytes: `size` is at least, and at most.
        text: is in `arguments`, whatever the case of its letters (`str.casefold`).
        code: how the digest of the function's source in `code` begins.
    """

    function: str | None = None
    version: str | None = None
    tag: str | None = None
    key: str | None = None
    made_since: float | None = None
    made_before: float | None = None
    unused_since: float | None = None
    expired_by: float | None = None
    smallest: int | None = None
    largest: int | None = None
    text: str | None = None
    code: str | None = None

    def covers(self, record: TaskRecord) -> bool:
        """Whether a record is one of these."""
        from fnmatch import fnmatchcase

        name, size = record.func_identifier or record.func_name, record.size or 0
        made, ends, used = record.made_at, record.expires_at, last_use(record)
        return (
            (self.function is None or fnmatchcase(name, self.function))
            and self.version in (None, record.version or "")
            and (self.tag is None or self.tag in record.tags)
            and (self.key is None or record.cache_key.startswith(self.key))
            and (self.made_since is None or (made is not None and made >= self.made_since))
            and (self.made_before is None or (made is not None and made < self.made_before))
            and (self.unused_since is None or (used is not None and used < self.unused_since))
            and (self.expired_by is None or (ends is not None and ends <= self.expired_by))
            and (self.smallest is None or size >= self.smallest)
            and (self.largest is None or size <= self.largest)
            and (self.text is None or self.text.casefold() in (record.arguments or "").casefold())
            and (self.code is None or source_of(record.code).startswith(self.code))
        )


def last_use(record: TaskRecord) -> float | None:
    """When a result was made or used last; None where nobody knows."""
    times = (record.made_at, record.used_at)
    return max((time for time in times if time is not None), default=None)


def rank_of(record: TaskRecord, order: Order) -> Rank:
    """The place of a record in an order; the least comes first."""
    if order == "key":
        return False, 0.0, record.cache_key
    if order == "unused":
        value = last_use(record)
    else:
        column, sign = COLUMNS[order]
        found: float | None = getattr(record, column)
        value = None if found is None else sign * found
    return value is None, value or 0.0, record.cache_key


COLUMNS: Final = {
    "newest": ("made_at", -1),
    "oldest": ("made_at", 1),
    "largest": ("size", -1),
    "smallest": ("size", 1),
    "slowest": ("took", -1),
    "dearest": ("price", -1),
}
"""What an order goes by, and whether the least (1) or the greatest (-1) comes first. Of "unused" it
is the greater one of `made_at` and `used_at`, the least first."""


class Page(NamedTuple):
    """Some records, without their data, and where the next page begins.

    Attributes:
        records: the records.
        following: for `page(following=)`; None at the end.
    """

    records: list[TaskRecord]
    following: str | None


class FunctionTotals(NamedTuple):
    """How much a store holds of one function."""

    func_identifier: str  # as in `TaskRecord`
    entries: int  # how many results
    size: int  # of all results' data, in bytes, wherever it is
    oldest: float | None  # the least `made_at`
    newest: float | None  # the greatest
    code: str | None = None  # `TaskRecord.code` of the newest; None where it has none
    code_changed: bool | None = None  # whether there are results of other source; None: unknown


class Totals(NamedTuple):
    """How much a metadata store holds."""

    entries: int  # how many results
    size: int  # of all results' data, in bytes, wherever it is


def size_of(record: TaskRecord) -> int:
    """The bytes of a result; rows of 2.x don't say, and count as none."""
    return max(0, record.size or 0)


def totals_by_function(records: Iterable[TaskRecord]) -> list[FunctionTotals]:
    """See `MetadataStoreBase.function_totals`."""
    found: dict[str, tuple[int, int, float | None, TaskRecord, set[str]]] = {}
    for record in records:
        name, made = record.func_identifier or record.func_name, record.made_at
        entries, size, oldest, newest, sources = found.get(name, (0, 0, made, record, set[str]()))
        if made is not None and (newest.made_at is None or made >= newest.made_at):
            newest = record
        oldest = min((time for time in (oldest, made) if time is not None), default=None)
        sources |= {source_of(record.code)} - {""}
        found[name] = entries + 1, size + size_of(record), oldest, newest, sources
    return [
        FunctionTotals(
            name,
            entries,
            size,
            oldest,
            newest.made_at,
            newest.code,
            len(sources) > 1 if source_of(newest.code) else None,
        )
        for name, (entries, size, oldest, newest, sources) in sorted(found.items())
    ]


def source_of(code: str | None) -> str:
    """The digest of the source in the field `code`; "" where there is none."""
    return (code or "").partition(":")[0]


PRICE_UNIT: Final = "price_unit"
"""The name of the remark that says in which unit prices are, such as "$"."""

UNSTORED: Final = "unstored "
"""With the identifier of a function behind it, that of why no result of it is stored."""


class Counts(NamedTuple):
    """What was counted of one function in one hour. A store adds up what several processes give.

    Later releases add fields at the end, with defaults: a store may keep them or leave them out.
    """

    func_identifier: str  # as in `TaskRecord`
    hour: int  # whole hours since the beginning of 1970, UTC: Unix time // 3600
    hits: int = 0  # calls that got a result without a run
    runs: int = 0  # executions, also those that failed; with `each` items
    failures: int = 0  # executions that raised; with `each` their items
    seconds_saved: float = 0.0  # by hits: how long the executions took whose results they gave
    seconds_spent: float = 0.0  # by executions, as `TaskRecord.took`
    money_saved: float = 0.0  # by hits, in the unit of `mark(price=)`
    money_spent: float = 0.0  # by executions
    grants: int = 0  # permits of the limiter
    waits: int = 0  # those of the grants that had to wait
    refusals: int = 0  # `RateLimitError` and `CostError`
    seconds_waited: float = 0.0  # by the grants that had to wait, together


FindingState = Literal["ok", "warning", "problem"]
"""All is well; it works, and will not for long or not well; it does not work."""


class Finding(NamedTuple):
    """What `examine` found of one subject.

    Attributes:
        state: "ok", "warning" or "problem".
        subject: what was looked at, such as "storage s3".
        text: what was found, and what to do about it; without secrets.
    """

    state: FindingState
    subject: str
    text: str
