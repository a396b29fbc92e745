"""What a storage is told about a blob: the fields of its row, so that the row can be made anew.

A blob holds the data alone. Where the database is lost, a storage that keeps these texts tells
which call each blob is the result of, see `inspecting.strays`.

The texts have a fixed order, since a storage may leave out the last ones: first what a row needs,
then what is for people.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import FILE, TaskRecord
from beautyspot.results.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXTS: Final = {
    *("serializer", "func_identifier", "func_name", "input_id", "version", "code"),
    *("content_type", "arg_digests", "arguments"),
}
_TIMES: Final = ("made_at", "expires_at", "took", "price", "began_at")

_NEEDED: Final = (
    *("key_scheme", "serializer", "digest", "size", "made_at", "expires_at", "func_identifier"),
    *("func_name", "input_id", "version", "took", "price", "began_at", "tags"),
)
"""The last one is never left out by `about_of`: where it is there, all others are as they were."""

_FOR_PEOPLE: Final = ("code", "content_type", "arg_digests", "arguments")

_DIGESTS: Final = (16, 32)
"""Bytes of a plain digest, and of a signature."""


def about_of(record: TaskRecord, *, with_arguments: bool) -> dict[str, str]:
    """What to tell about the blob of a row.

    Args:
        record: the row, with its digest.
        with_arguments: whether the text of the arguments may be where the blob is.
    """
    told: dict[str, str] = {}
    for name in (*_NEEDED, *_FOR_PEOPLE):
        value = getattr(record, name)
        if value is not None and (with_arguments or name != "arguments"):
            told[name] = _written(value)
    return told


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    import json  # takes milliseconds, which a program without large results need not pay

    return json.dumps(value)  # a float as `repr` has it: a signature covers its exact value


def row_of(about: Mapping[str, str], key: str, location: str) -> TaskRecord | None:
    """The row of a blob, as it was; None where not all of it is told.

    Args:
        about: what the storage kept, which anybody who may write there may have written.
        key: the `cache_key`, of the blob's name.
        location: of the blob.

    Raises:
        ValueError: it is told, and makes no sense.
    """
    if _NEEDED[-1] not in about:
        return None
    try:
        fields = {name: _read(name, about[name]) for name in TaskRecord._fields if name in about}
        row = TaskRecord(**{"cache_key": key, **fields, "result_value": location})
        updated = timestamp(row.made_at or 0.0)
    except (TypeError, ValueError, OverflowError, OSError, RecursionError) as error:
        raise ValueError(f"what is told of it makes no sense ({type(error).__name__})") from error
    if row.serializer is None or row.digest is None or row.made_at is None or row.size is None:
        raise ValueError("what is told of it is not enough for a row")
    return row._replace(cache_key=key, result_type=FILE, result_data=None, updated_at=updated)


def _read(name: str, text: str) -> Any:
    if name in _TEXTS:
        return text
    return _READERS[name](text) if name in _READERS else None


def _time(text: str) -> float:
    import json  # as above

    value = json.loads(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(text)
    return value


def _number(text: str) -> int:
    import json  # as above

    value = json.loads(text)
    if type(value) is not int or value < 0:
        raise ValueError(text)
    return value


def _digest(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) not in _DIGESTS:
        raise ValueError(text)
    return value


def _tags(text: str) -> tuple[str, ...]:
    import json  # as above

    value = json.loads(text)
    if not isinstance(value, list) or not all(type(tag) is str for tag in value):
        raise ValueError(text)
    return tuple(value)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(_TIMES, _time),
    "key_scheme": _number,
    "size": _number,
    "digest": _digest,
    "tags": _tags,
}
