"""Stored values as text for people: laid out, and bounded unless all of it is wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeGuard

WIDTH: Final = 100
LINES: Final = 60
"""So many lines of a value are shown."""
LONGEST: Final = 4000
"""So many characters of a text are shown."""


def as_text(value: object, *, whole: bool = False) -> str:
    """The value as text: a text as it is, anything else as Python writes it, over several lines.

    An error that the function raised begins with "error".

    Args:
        value: a value, as `Store.value` gives it.
        whole: all of it; otherwise long texts, long lists and deep nesting are cut.
    """
    if isinstance(value, str):
        return value if whole else _cut(value)
    from beautyspot import ErrorInstance
    from rich.pretty import pretty_repr

    kind = "error " if isinstance(value, ErrorInstance) else ""
    if whole:
        return kind + pretty_repr(_named(value), max_width=WIDTH)
    shown = pretty_repr(
        _named(value), max_width=WIDTH, max_length=LINES, max_string=LONGEST, max_depth=8
    )
    return _cut(kind + shown)


def _cut(text: str) -> str:
    shown = "\n".join(text[:LONGEST].split("\n")[:LINES])
    missing = len(text) - len(shown)
    return f"{shown}\n... {missing:,} more characters: --value shows all" if missing else shown


def is_long(value: object) -> TypeGuard[int]:
    """Whether it is a whole number with more digits than Python writes; it has a `hex`."""
    most = sys.get_int_max_str_digits()
    return isinstance(value, int) and bool(most) and value.bit_length() > 3.3 * most


def _named(value: Any) -> Any:
    """The value, with an `Instance` as a call of its class: ``Answer(text='yes')``."""
    from beautyspot import Instance

    if is_long(value):
        return _Hex(value)

    if isinstance(value, Instance):
        return _call(
            value.class_name.rpartition(":")[2],
            {name: _named(one) for name, one in value.fields.items()},
        )
    if type(value) is dict:
        return {_named(key): _named(one) for key, one in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(_named, value))
    return value


class _Hex:
    def __init__(self, value: int) -> None:
        self._value = value

    def __repr__(self) -> str:
        return hex(self._value)


def _call(name: str, fields: dict[str | int, Any]) -> object:
    def parts(_: object) -> Iterator[Any]:
        for field, one in fields.items():
            yield one if isinstance(field, int) else (field, one)

    return type(name, (), {"__rich_repr__": parts})()
