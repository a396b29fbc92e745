"""Stored values as text for people: laid out, and bounded unless all of it is wanted."""

from __future__ import annotations

import sys
from pprint import pformat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import TypeGuard

WIDTH: Final = 100
LINES: Final = 60
"""So many lines of a value are shown."""
LONGEST: Final = 4000
"""So many characters of a text are shown."""
_DEEPEST: Final = 8


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

    kind = "error " if isinstance(value, ErrorInstance) else ""
    depth = None if whole else _DEEPEST
    shown = pformat(
        _shown(value, whole=whole), width=WIDTH, depth=depth, compact=True, sort_dicts=False
    )
    return kind + shown if whole else _cut(kind + shown)


def _cut(text: str) -> str:
    shown = "\n".join(text[:LONGEST].split("\n")[:LINES])
    missing = len(text) - len(shown)
    return f"{shown}\n... {missing:,} more characters: --value shows all" if missing else shown


def is_long(value: object) -> TypeGuard[int]:
    """Whether it is a whole number with more digits than Python writes; it has a `hex`."""
    most = sys.get_int_max_str_digits()
    return isinstance(value, int) and bool(most) and value.bit_length() > 3.3 * most


def _shown(value: Any, *, whole: bool) -> Any:
    """The value, with an `Instance` as a call of its class: ``Answer(text='yes')``.

    Unless it is shown whole, the first items of each list, and the beginning of each text.
    """
    from beautyspot import Instance

    if is_long(value):
        return _Written(hex(value))
    if isinstance(value, Instance):
        name = value.class_name.rpartition(":")[2]
        return _call(name, {key: _shown(one, whole=whole) for key, one in value.fields.items()})
    if isinstance(value, str) and not whole and len(value) > LONGEST:
        return value[:LONGEST]
    if type(value) not in (list, tuple, set, frozenset, dict):
        return value
    items = list(value.items() if type(value) is dict else value)
    more = 0 if whole else max(0, len(items) - LINES)
    kept = [_shown(one, whole=whole) for one in items[: len(items) - more]]
    if more:
        rest = _Written(f"... {more:,} more")
        kept.append((rest, rest) if type(value) is dict else rest)
    return type(value)(kept)


class _Written:
    """Stands as a text that is written as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _call(name: str, fields: dict[str | int, Any]) -> object:
    if all(isinstance(field, str) for field in fields):
        made = type(name, (SimpleNamespace,), {"__hash__": object.__hash__})()
        vars(made).update({str(field): one for field, one in fields.items()})
        return made
    parts = [
        repr(one) if isinstance(field, int) else f"{field}={one!r}" for field, one in fields.items()
    ]
    return _Written(f"{name}({', '.join(parts)})")
