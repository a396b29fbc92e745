"""`Where`: which stored results are meant, as people write it; and the rows that match it, all of
them, in an order, or in pages.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from datetime import time as midnight
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict, TypeVar, cast, get_args

from beautyspot.contracts import DURATION, SIZE, Order, Page, Selection, Totals, byte_count, seconds
from beautyspot.contracts.checked import count, fitting, switch, text
from beautyspot.contracts.selection import rank_of, size_of, source_of
from beautyspot.contracts.store import listed, totals_of
from beautyspot.errors import ConfigError
from beautyspot.messages import check_options, checked, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from beautyspot.contracts import MetadataStoreBase, TaskRecord
    from beautyspot.contracts.selection import Rank

Moment = str | float | timedelta | date
"""A moment: how long ago, or a date with or without a time; local time where no zone is given."""


T = TypeVar("T")


class Among(TypedDict, total=False):
    """`Where` less `expired`, for what has an argument of that name."""

    function: str | None
    version: str | int | None
    tag: str | None
    key: str | None
    older: Moment | None
    newer: Moment | None
    unused: float | str | timedelta | None
    larger: int | str | None
    smaller: int | str | None
    arguments: str | None
    code: str | None
    outdated: bool | None
    at: float | None


class Where(Among, total=False):
    """Which stored results are meant: those that match all that is given; None matches any.

    A moment is how long ago (seconds, a `timedelta`, or a text such as ``"7d"``) or a date with
    or without a time (a `date`, a `datetime`, or a text such as ``"2026-11-19"`` or
    ``"2026-11-19 14:00"``). A date begins at midnight. Local time is meant unless the zone is
    given, as in ``"2026-11-19T14:00Z"``.

    Attributes:
        function: the identifier, "module:qualified.name" or what `mark` has as name=. ``*`` is any
            text, and ``?`` any character: ``"app:*"``. All else is meant as it stands.
        version: the version; 2 and "2" are one; "" is without any.
        tag: one of the tags.
        key: how the key begins.
        older, newer: made before that moment; then or after.
        unused: neither made nor found for that long: seconds, a `timedelta`, or a text.
        expired: True: expired by now.
        larger, smaller: bytes, at least and at most, or a text such as "10MB".
        arguments: a text that is in the arguments as they are shown, whatever the case of letters.
        code: how the digest of the function's source begins. What follows a colon, the digest of
            its file, is left out.
        outdated: True: made by other code than the newest result of the same function.
        at: the filter as it was at this Unix time, by the clock of the store
            (`store.metadata.now()`): results that were made before it, and ages counted from it.
            So what was shown can be removed, and nothing that came later.
    """

    expired: bool | None


class Filter(NamedTuple):
    """A `Where` that was checked."""

    selection: Selection
    at: float = 0.0
    outdated: bool = False


_MOMENT: Final = (
    'how long ago, such as "7d" or "12h", or a date, such as "2026-11-19" or "2026-11-19 14:00"'
)
_LONGEST: Final = 1e9
"""Seconds: a longer "duration" is a Unix time that was meant as a date."""


def read_filter(caller: str, where: Mapping[str, Any], clock: Callable[[], float]) -> Filter:
    """What a `Where` means at this moment.

    Args:
        caller: the method that it was given to.
        where: what the user gave.
        clock: the store's.

    Raises:
        ConfigError: a name or a value is wrong; says what to write.
    """
    check_options(caller, where, Where.__annotations__)
    given = {name: value for name, value in where.items() if value is not None}
    is_time = fitting(lambda it: isinstance(it, int | float))
    takes = "a Unix time, as store.metadata.now() does"
    now = checked("at", given["at"], is_time, takes) if "at" in given else clock()
    found = {
        field: read(name, given[name], now)
        for name, (field, read) in _FIELDS.items()
        if name in given
    }
    if "at" in given:
        found["made_before"] = min(now, found.get("made_before", now))
    return Filter(Selection(**found), now, switch("outdated", given.get("outdated", False)))


def literally(name: str) -> str:
    """The pattern that this name alone matches."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def moment(name: str, value: object, now: float) -> float:
    """The Unix time that an option means.

    Raises:
        ConfigError: it is neither a duration nor a date.
    """
    if isinstance(value, str) and value.strip().isdecimal() and value.strip().strip("0"):
        raise ConfigError(
            f'{name}={value!r:.80} may be seconds or a date: write "{value.strip()}s", or a date '
            'such as "2026-11-19"'
        )
    ago: float | None = None
    with suppress(TypeError, ValueError):
        ago = seconds(value)
    if ago is not None and ago < _LONGEST:
        return now - ago
    if ago is not None:
        raise ConfigError(
            f"{name}={value!r:.80} would be {ago / 31_557_600:.0f} years ago: for a date give "
            "datetime.fromtimestamp(...), or a text"
        )
    try:
        return _date(value).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        raise ConfigError(f"{name}={value!r:.80}: give {_MOMENT}") from None


def _date(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, midnight())  # of local time
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    raise TypeError("no date")


def _text(name: str, value: object, _now: float) -> str:
    found: str = checked(name, value, text, "a text that is not empty")
    return found.replace("[", "[[]") if name == "function" else found  # as in "app:load[int]"


def _is_code(value: str) -> bool:
    return re.fullmatch("[0-9a-fA-F]+(:[0-9a-fA-F]*)?", value) is not None


def _source(_name: str, value: object, _now: float) -> str:
    """The digest of the source, of what a row has as its code: that, a colon, the file's."""
    takes = "hex digits, the first ones of a row's code or all"
    found: str = checked("code", value, fitting(_is_code), takes)
    return found.partition(":")[0].lower()


def _version(_name: str, value: object, _now: float) -> str:
    if value == "auto":
        raise ConfigError(
            'version="auto" names no version: "auto" is stored as "auto:" and a digest of the '
            "code; give that, as rows() shows it"
        )
    is_one = fitting(lambda it: isinstance(it, str | int) and not isinstance(it, bool))
    return str(checked("version", value, is_one, "a text or a whole number"))


def _size(name: str, value: object, _now: float) -> int:
    return checked(name, value, byte_count, SIZE)


_FIELDS: Final[dict[str, tuple[str, Callable[[str, Any, float], Any]]]] = {
    "function": ("function", _text),
    "version": ("version", _version),
    "tag": ("tag", _text),
    "key": ("key", _text),
    "older": ("made_before", moment),
    "newer": ("made_since", moment),
    "unused": (
        "unused_since",
        lambda name, value, now: now - checked(name, value, seconds, DURATION),
    ),
    "expired": ("expired_by", lambda name, value, now: now if switch(name, value) else None),
    "larger": ("smallest", _size),
    "smaller": ("largest", _size),
    "arguments": ("text", _text),
    "code": ("code", _source),
}
"""What a `Where` says -> the field of the `Selection`, and how that is read at a moment."""


class Listing:
    """The rows of a store that a filter lets through, none with its data.

    Its methods raise a `MetadataError` where the store fails.
    """

    def __init__(self, metadata: MetadataStoreBase, wanted: Filter) -> None:
        self._metadata = metadata
        self._selection = wanted.selection
        self._newest_code: dict[str, str] | None = None
        if wanted.outdated:
            totals = metadata.function_totals()
            self._newest_code = {each.func_identifier: source_of(each.code) for each in totals}

    def rows(
        self, order: Order = "key", limit: int | None = None, after: Rank | None = None
    ) -> Iterator[TaskRecord]:
        """At most `limit` of them, in an order, behind a rank."""
        outdated = None if self._newest_code is None else self._is_outdated
        where = self._selection
        return listed(self._metadata, where, order, after=after, limit=limit, wanted=outdated)

    def page(self, order: Order, following: str | None, limit: int) -> Page:
        """At most `limit` of them, in an order, and where the next page begins.

        Raises:
            ConfigError: `following` is no page's.
        """
        after = None if following is None else _rank_in(following, order)
        records = list(self.rows(order, limit, after))
        if len(records) < limit:
            return Page(records, None)
        last = records[-1]
        return Page(records, last.cache_key if order == "key" else json.dumps(rank_of(last, order)))

    def totals(self) -> Totals:
        """How many they are, and the bytes of their results."""
        function = self._selection.function
        if self._newest_code is None and self._selection == Selection(function=function):
            return totals_of(self._metadata, function)
        entries = size = 0
        for record in self.rows():
            entries, size = entries + 1, size + size_of(record)
        return Totals(entries, size)

    def _is_outdated(self, record: TaskRecord) -> bool:
        """Whether its code and that of the newest are known, and differ."""
        code, newest = source_of(record.code), (self._newest_code or {}).get(name_of(record))
        return bool(code and newest) and code != newest


def name_of(record: TaskRecord) -> str:
    """The function that a row is of; rows of 2.x have its bare name only."""
    return record.func_identifier or record.func_name


def _rank_in(following: str, order: Order) -> Rank:
    if order == "key":
        return False, 0.0, following
    try:
        found: Any = json.loads(following)
        unknown, value, key = found
        if isinstance(value, int | float) and isinstance(key, str):
            return bool(unknown), value, key
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigError(
        f"following={following!r:.80} is nothing that a page of this order gave: begin without it"
    )


def check_order(order: object) -> Order:
    """`order`, if it is one.

    Raises:
        ConfigError: it is none; lists them.
    """
    known = get_args(Order)
    if isinstance(order, str) and order in known:
        return cast("Order", order)
    raise ConfigError(
        f"order={order!r:.80}: there is no such order.{did_you_mean(str(order), known)} "
        f"There are: {', '.join(known)}"
    )


def check_limit(limit: object) -> int:
    """`limit`, if it is a number of rows.

    Raises:
        ConfigError: it is none.
    """
    return count("limit", limit)
