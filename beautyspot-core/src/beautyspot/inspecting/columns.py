"""What a call was given, and what came out, as cells by name: the columns of a table of results."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from math import prod
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from xxhash import xxh3_64_hexdigest

from beautyspot.contracts.records import clean
from beautyspot.inspecting.answers import answer_of
from beautyspot.serialization.looking import ErrorInstance, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import TaskRecord

Cell = int | float | str | bool | None
"""What stands in a column; a bool is no number."""

_DEEPEST: Final = 3
"""Levels of dictionaries and classes whose fields have columns of their own."""

_MOST: Final = 60
"""Fields of one result that have columns."""

_FEW: Final = 8
"""Numbers of an array, and numbers and texts of a list, that are shown as they are."""

_NAME: Final = r"""(?:[^\W\d]\w*|'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")(?==|:\ )"""
_NAMED: Final = re.compile(rf"({_NAME})(?:=|:\ )(.*)", re.DOTALL | re.VERBOSE)
_BETWEEN: Final = re.compile(
    rf"""'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[(\[{{)\]}}]
    |,\ (?={_NAME}|\.{{3}}|…)""",
    re.DOTALL | re.VERBOSE,
)
"""Texts, of which the last may be cut; brackets; and what stands between two named values."""

_HOLDER: Final = re.compile(r"(?:[^\W\d][\w.]*\(|\{)(.*)[)}]", re.DOTALL)
_NUMERIC: Final = frozenset("+-.0123456789NI")  # which NaN and Infinity begin with
_WORDS: Final[dict[str, Cell]] = {"None": None, "True": True, "False": False}
_ESCAPE: Final = re.compile(
    r"""\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}|[ntr\\'"])"""
)


def arguments_of(record: TaskRecord) -> dict[str, Cell]:
    """The arguments of a call by name, as far as its row tells them.

    Numbers, texts, bools and None are themselves. The fields of a dataclass or a dictionary have
    names of their own, as "config.lr". Any other value is the text that stands for it, and what the
    row has cut is cut here.
    """
    return _arguments(record.arguments or "", "")


def _arguments(text: str, prefix: str) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for part in _parts(text):
        found.update(_argument(part, prefix))
    return found


@lru_cache(256)  # in a sweep most are those of other calls, too
def _argument(part: str, prefix: str) -> dict[str, Cell]:
    named = _NAMED.fullmatch(part)
    if named is None:
        return {}
    name, shown = f"{prefix}{_unquoted(named[1])}", named[2]
    holder = _HOLDER.fullmatch(shown) if prefix.count(".") < _DEEPEST else None
    inner = _arguments(holder[1], f"{name}.") if holder else {}
    return inner or {name: cell_in(shown)}


def _parts(text: str) -> Iterator[str]:
    """The parts of ``a=1, b=2``, or of ``'a': 1, 'b': 2``."""
    depth = start = 0
    for found in _BETWEEN.finditer(text):
        sign = found[0]
        depth += (sign in "([{") - (sign in ")]}")
        if sign == ", " and depth <= 0:
            yield text[start : found.start()]
            start = found.end()
    yield text[start:]


def cell_in(text: str) -> Cell:
    """The cell of a value as Python writes it; what is no number and no constant is a text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in _NUMERIC:
        try:
            return int(text) if text.lstrip("+-").isdigit() else float(text)
        except ValueError:  # of too many digits, too
            return clean(text)
    return _unquoted(text)


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"'):
        inner = text[1:].removesuffix(text[0])
        text = _ESCAPE.sub(lambda sign: sign[0].encode().decode("unicode_escape"), inner)
    return clean(text)


def fields_of(value: object, data: bytes, longest: int) -> dict[str, Cell]:
    """The fields of a result by name; that of a value without fields is "value".

    Args:
        value: the result.
        data: its bytes, of which a table and a large array show a digest.
        longest: characters of a text; what is longer is cut.
    """
    if (answer := answer_of(value)) is not None:
        calls = "\n".join(f"{name}({given})" for name, given in answer.tool_calls)
        _, model, came, went, _ = answer
        value = {"answer": answer.text, "model": model, "tokens_in": came, "tokens_out": went}
        value |= {"tool_calls": calls} if calls else {}
    elif isinstance(value, ErrorInstance):
        value = {"error": Instance.__repr__(value)}
    found: dict[str, Cell] = {}
    for name, item in islice(_spread("", value, 1), _MOST):
        cell = _cell_of(item, data)
        if isinstance(cell, str) and len(cell) > longest:
            cell = f"{cell[:longest]}…"
        found[clean(name[:100])] = cell
    return found


def _spread(name: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    """The values in it, each with the names that lead there."""
    held: Any = value.fields if isinstance(value, Instance) else value
    if depth > _DEEPEST or not isinstance(held, dict) or not held:
        yield name or "value", value
        return
    for key, item in held.items():
        own = key if isinstance(key, str) else str(_cell_of(key, b""))
        yield from _spread(f"{name}.{own}" if name else own, item, depth + 1)


def _cell_of(value: Any, data: bytes) -> Cell:
    """A number, a text, a bool or None as it is, of anything else a text that stands for it."""
    shape = getattr(value, "shape", None)
    if shape == ():  # a number of NumPy's
        value = value.item()
    is_number = isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 1000)
    if value is None or is_number:
        return cast("Cell", value)
    if isinstance(value, str | date | time | timedelta | Decimal | UUID | PurePath):
        return cell_in(str(value)) if isinstance(value, Decimal) else clean(str(value))
    if shape and (prod(shape) > _FEW or not hasattr(value, "tolist")):
        sizes = " × ".join(map(str, shape))  # noqa: RUF001 - as people write it
        return f"{sizes}, {xxh3_64_hexdigest(data)[:8]}"
    items = cast("Any", value).tolist() if shape else value
    if isinstance(items, list | tuple | set | frozenset):
        if len(items) <= _FEW and all(isinstance(each, int | float | str) for each in items):
            return f"[{', '.join(map(_short, items))}]"
        return repr(items) if shape else f"{len(items)} items"
    return f"<{type(value).__name__}>"


def _short(item: float | str) -> str:
    return f"{item:.6g}" if isinstance(item, float) and item % 1 else repr(item)
