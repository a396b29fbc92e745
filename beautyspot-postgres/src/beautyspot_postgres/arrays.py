"""Many values as one parameter: arrays in the server's binary form.

https://www.postgresql.org/docs/current/protocol-overview.html: a number of dimensions, whether
there are NULLs, the type, the length and the first index; then the length of each element, and it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from beautyspot_postgres.values import Binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HEAD: Final = struct.Struct("!iiIii")
_SIZE: Final = struct.Struct("!i")
_INT8: Final = struct.Struct("!q")
_FLOAT8: Final = struct.Struct("!d")
_NULL: Final = _SIZE.pack(-1)

_TEXT, _BYTEA, _BIGINT, _DOUBLE = 25, 17, 20, 701
_ARRAYS: Final = {_TEXT: 1009, _BYTEA: 1001, _BIGINT: 1016, _DOUBLE: 1022}
"""By the number of a type, that of its arrays."""

_OF_ONE: Final = {kind: _HEAD.pack(1, 0, kind, 1, 1) for kind in _ARRAYS}
_OF_NONE: Final = {kind: _HEAD.pack(1, 1, kind, 1, 1) + _NULL for kind in _ARRAYS}
"""By the number of a type: how an array of one value begins, and one of NULL."""


def texts(values: Iterable[str | None]) -> Binary:
    """``text[]``."""
    return _array(_TEXT, [None if value is None else value.encode() for value in values])


def blobs(values: Iterable[bytes | None]) -> Binary:
    """``bytea[]``."""
    return _array(_BYTEA, [*values])


def integers(values: Iterable[int | None]) -> Binary:
    """``bigint[]``."""
    return _array(_BIGINT, [None if value is None else _INT8.pack(_fit(value)) for value in values])


def floats(values: Iterable[float | None]) -> Binary:
    """``double precision[]``."""
    return _array(_DOUBLE, [None if value is None else _FLOAT8.pack(value) for value in values])


def literal(values: Iterable[str]) -> str:
    """A ``text[]`` as a text, which the server reads."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _fit(value: int) -> int:
    """A whole number that the server can hold."""
    return max(-(2**63), min(int(value), 2**63 - 1))


OF: Final[dict[str, Callable[[Iterable[object]], Binary]]] = {
    "text": texts,  # type: ignore[dict-item]
    "text[]": texts,  # type: ignore[dict-item]
    "bytea": blobs,  # type: ignore[dict-item]
    "bigint": integers,  # type: ignore[dict-item]
    "double precision": floats,  # type: ignore[dict-item]
}
"""By the type of a column, how its values are given; arrays in it as `literal`."""


def _array(kind: int, values: Sequence[bytes | None]) -> Binary:
    if len(values) == 1:  # as for most results
        [one] = values
        if one is None:
            return Binary(_ARRAYS[kind], _OF_NONE[kind])
        return Binary(_ARRAYS[kind], b"".join((_OF_ONE[kind], _SIZE.pack(len(one)), one)))
    parts = [_HEAD.pack(1, int(None in values), kind, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_SIZE.pack(len(value)), value)
    return Binary(_ARRAYS[kind], b"".join(parts))
