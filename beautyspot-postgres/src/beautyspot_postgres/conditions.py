"""Selections as conditions of SQL.

What SQL can't say exactly it says too generously (patterns, the case of letters), and
`Selection.covers` decides. Each condition says whether it is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_postgres import texts
from beautyspot_postgres.rows import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Selection


class Condition(NamedTuple):
    """Part of a ``WHERE``.

    Attributes:
        text: what rows fulfil, with ``%s`` where its value stands.
        values: for these.
        is_exact: whether the selection covers all of these rows.
    """

    text: str
    values: tuple[Any, ...] = ()
    is_exact: bool = True


class Query:
    """A query whose parameters are numbered as they are added."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def mark(self, value: Any) -> str:
        """The mark of one more value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, conditions: Iterable[Condition]) -> str:
        """The conditions, joined by and."""
        parts = [
            f"({each.text.replace('%s', '{}').format(*map(self.mark, each.values))})"
            for each in conditions
        ]
        return " AND ".join(parts) or "true"


NAME: Final = "coalesce(nullif(func_identifier, ''), func_name)"

_SOURCE: Final = "split_part(coalesce(code, ''), ':', 1)"
_LAST: Final = "greatest(made_at, used_at)"


def conditions_of(selection: Selection) -> list[Condition]:
    """What every row that the selection covers fulfils, and few others."""
    given = selection._asdict().items()
    return [_CONDITIONS[name](value) for name, value in given if value is not None]


def of_scan(func_identifier: str | None, version: str | None, tag: str | None) -> list[Condition]:
    """The filters of `scan`."""
    found = []
    for column, value in (("func_identifier", func_identifier), ("version", version)):
        if value is not None:
            found.append(Condition(f"{column} = %s", (texts.stored(value),)))
    return found if tag is None else [*found, _tag(tag)]


def _function(pattern: str) -> Condition:
    # A set of characters is written in two ways: what comes before it will do. A character that
    # the server can't hold is several ones there.
    start, opening, _ = pattern.partition("[")
    like = _like(texts.stored(start)).replace("*", "%").replace("?", "%") + "%" * bool(opening)
    return Condition(f"{NAME} LIKE %s", (like,), is_exact=not opening and "?" not in start)


def _like(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in text)


def _tag(tag: str) -> Condition:
    return Condition("%s = ANY (tags)", (texts.stored(tag),))


def _key(beginning: str) -> Condition:
    start = texts.stored(beginning)
    return Condition(f"starts_with({KEY}, %s)", (start,))


def _number(text: str) -> Callable[[float], Condition]:
    """A comparison; the server sees an infinity and what is no number as Python does not."""
    column = text.rpartition(" ")[0].rpartition(" ")[0]
    return lambda value: Condition(f"{text} AND {column} <> 'NaN'", (repr(value),))


def _text(text: str) -> Condition:
    """Letters that are no ASCII may become such: a row that has one is looked at."""
    wanted = text.casefold()
    others = "octet_length(arguments) > char_length(arguments) OR strpos(arguments, chr(1)) > 0"
    if not wanted:
        return Condition("true")
    if not wanted.isascii() or "\0" in wanted or "\1" in wanted:
        return Condition(others, (), is_exact=False)
    like = f"%{_like(wanted)}%"
    return Condition(f"lower(arguments) LIKE %s OR {others}", (like,), is_exact=False)


def _code(start: str) -> Condition:
    wanted = (texts.stored(start),)
    return Condition(f"{_SOURCE} <> '' AND starts_with({_SOURCE}, %s)", wanted)


def _other_code(start: str) -> Condition:
    wanted = (texts.stored(start),)
    return Condition(f"{_SOURCE} <> '' AND NOT starts_with({_SOURCE}, %s)", wanted)


def _size(sign: str) -> Callable[[int], Condition]:
    return lambda value: Condition(f"coalesce(size, 0) {sign} %s::numeric", (value,))


_CONDITIONS: Final[dict[str, Callable[[Any], Condition]]] = {
    "function": _function,
    "version": lambda version: Condition("coalesce(version, '') = %s", (texts.stored(version),)),
    "tag": _tag,
    "key": _key,
    "made_since": _number("made_at >= %s::float8"),
    "made_before": _number("made_at < %s::float8"),
    "unused_since": _number(f"{_LAST} < %s::float8"),
    "expired_by": _number("expires_at <= %s::float8"),
    "smallest": _size(">="),
    "largest": _size("<="),
    "text": _text,
    "code": _code,
    "other_code": _other_code,
}
