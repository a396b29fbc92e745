"""Selections as conditions of SQL.

What SQL can't say exactly it says too generously (patterns, the case of letters, what another
program wrote), and `Selection.covers` decides. Each condition says of which rows that is so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_local.sqlite import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Selection

_LONGEST_PATTERN: Final = 10_000
"""Characters; SQLite refuses much longer ones."""

FILTERS: Final = {
    "func_identifier": "func_identifier = ?",
    "version": "version = ?",
    # `json_valid` first: one row that another program wrote must not stop the whole listing. SQLite
    # takes a blob, and the beginning of what holds a zero, for JSON.
    "tag": (
        "typeof(tags) = 'text' AND NOT instr(tags, char(0)) "
        "AND json_valid(tags) AND json_type(tags) = 'array' AND EXISTS "
        "(SELECT 1 FROM json_each(tasks.tags) WHERE value = ? AND type = 'text')"
    ),
}
"""Those of `scan`."""


NEVER: Final = "FALSE"
ALWAYS: Final = "TRUE"


class Condition(NamedTuple):
    """Part of a ``WHERE``.

    Attributes:
        text: what rows fulfil.
        values: of its marks.
        doubt: of which of these rows the condition may be true, and the selection not cover them.
    """

    text: str
    values: tuple[Any, ...]
    doubt: str = NEVER


def doubt_of(conditions: Iterable[Condition]) -> Condition | None:
    """Which of the rows that fulfil all conditions the selection may not cover; None: no row."""
    doubts = [condition.doubt for condition in conditions if condition.doubt != NEVER]
    return Condition(f"({' OR '.join(doubts)}) IS TRUE", ()) if doubts else None


def storable(selection: Selection) -> Selection:
    """The same with its texts as they stand in the columns. Tags stand there as they are."""
    texts: dict[str, Any] = {
        name: schema.storable(value)
        for name, value in selection._asdict().items()
        if isinstance(value, str) and name != "tag"
    }
    return selection._replace(**texts)


def conditions_of(selection: Selection, order: str) -> list[Condition]:
    """What every row that the selection covers fulfils, and few others.

    In the order of keys, a page has to begin at `selection.key`.
    """
    given = selection._asdict().items()
    found = [_CONDITIONS[name](value) for name, value in given if value is not None]
    if selection.key and order != "key":
        found.append(Condition("cache_key >= ?", (selection.key,)))
    return found


_ANY: Final = Condition(ALWAYS, (), ALWAYS)
"""Where SQL can say nothing."""


def _function(pattern: str) -> Condition:
    # A set of characters is written in two ways: what comes before it will do.
    start, opening, _ = pattern[:_LONGEST_PATTERN].partition("[")
    glob = start + "*" * (bool(opening) or len(pattern) > _LONGEST_PATTERN)
    other = "(typeof(func_identifier) <> 'text' OR func_identifier = '' OR instr(func_identifier, char(0)))"  # noqa: E501
    doubt = other if glob == pattern and "\0" not in pattern else ALWAYS
    return Condition(f"(func_identifier GLOB ? OR {other})", (glob,), doubt)


def _version(version: str) -> Condition:
    if version:
        return Condition("version = ?", (version,))
    return Condition("(version = '' OR typeof(version) <> 'text')", ())


def is_plain(tag: str) -> bool:
    """Whether SQL can look for a tag: in JSON, a lone surrogate stands as what no text equals."""
    return schema.storable(tag) == tag and "\0" not in tag


def _tag(tag: str) -> Condition:
    return Condition(FILTERS["tag"], (tag,)) if is_plain(tag) else _ANY


def _code(start: str) -> Condition:
    text = "code >= ? AND code < CAST(? AS TEXT)"
    doubt = NEVER if start and ":" not in start else ALWAYS  # which no digest of a source has
    return Condition(text, (start, start.encode() + b"\xff"), doubt)


def _other_code(code: str) -> Condition:
    if ":" in code:
        return _ANY
    text, values, _ = _code(code)
    return Condition(
        f"NOT ({text})", values, "(typeof(code) <> 'text' OR code = '' OR substr(code, 1, 1) = ':')"
    )


def _compared(*columns: str, by: str, kind: str = "real") -> Callable[[float], Condition]:
    """A comparison of columns; what is no number there may be one elsewhere, as a time is."""
    other = [f"typeof({each}) <> '{kind}' OR NOT {schema.is_finite(each)}" for each in columns]
    tests = [f"({each} {by} ? OR {more})" for each, more in zip(columns, other, strict=True)]
    doubts = [_is_no_number(column, kind) for column in columns]
    text, doubt = " AND ".join(tests), f"({' OR '.join(doubts)})"
    return lambda value: Condition(text, (value,) * len(columns), doubt) if _fits(value) else _ANY


def _is_no_number(column: str, kind: str) -> str:
    """That a column holds what is read as something else, such as a time of 2.x, or an infinity."""
    none = "" if column in _NEEDED else ", 'null'"
    return f"typeof({column}) NOT IN ('{kind}'{none}) OR NOT {schema.is_finite(column)}"


_NEEDED: Final = frozenset({"made_at", "size"})
"""Columns that stand for something else where they are NULL, since an earlier release wrote it."""


def _expired(latest: float) -> Condition:
    other = "typeof(expires_at) NOT IN ('real', 'null')"
    if not _fits(latest):
        return _ANY
    doubt = f"({_is_no_number('expires_at', 'real')})"
    return Condition(f"(expires_at <= ? OR {other})", (latest,), doubt)


def _fits(number: float) -> bool:
    return isinstance(number, float) or -(2**63) <= number < 2**63


def _text(text: str) -> Condition:
    """Letters that are no ASCII may become such: a row that has one is looked at."""
    wanted, others = text.casefold(), "length(arguments) < length(CAST(arguments AS BLOB))"
    if not wanted or len(wanted) > _LONGEST_PATTERN:
        return _ANY
    if not wanted.isascii() or "\0" in wanted:
        return Condition(others, (), ALWAYS)
    escaped = wanted.translate({ord(sign): f"\\{sign}" for sign in "\\%_"})
    return Condition(f"(arguments LIKE ? ESCAPE '\\' OR {others})", (f"%{escaped}%",), others)


_CONDITIONS: Final[dict[str, Callable[[Any], Condition]]] = {
    "function": _function,
    "version": _version,
    "tag": _tag,
    "key": lambda key: Condition("cache_key < CAST(? AS TEXT)", (key.encode() + b"\xff",)),
    "made_since": _compared("made_at", by=">="),
    "made_before": _compared("made_at", by="<"),
    "unused_since": _compared("made_at", "used_at", by="<"),
    "expired_by": _expired,
    "smallest": _compared("size", by=">=", kind="integer"),
    "largest": _compared("size", by="<=", kind="integer"),
    "text": _text,
    "code": _code,
    "other_code": _other_code,
}
