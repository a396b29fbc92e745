"""A result on its way between its codec and the store."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import RestoreError

if TYPE_CHECKING:
    from beautyspot.contracts import Data


class Payload(NamedTuple):
    """A result as bytes, with what restores it.

    Attributes:
        owned: whether nobody else has the data, nor ever will: they can be written to, and may
            become memory of the value.
    """

    data: Data
    codec: str
    owned: bool = False


_LENGTH: Final = struct.Struct(">Q")


def framed(items: list[Data]) -> bytes:
    """Items one behind the other, each behind its length in 8 bytes, big endian."""
    return b"".join(part for item in items for part in (_LENGTH.pack(len(item)), item))


def unframed(data: Data) -> list[memoryview]:
    """The items of such bytes, as views of them.

    Raises:
        RestoreError: they end too early.
    """
    view, items, start = memoryview(data), [], 0
    while start < len(view):
        if start + _LENGTH.size > len(view):
            raise RestoreError("a stored stream breaks off in the middle")
        (length,) = _LENGTH.unpack_from(view, start)
        start += _LENGTH.size
        if start + length > len(view):
            raise RestoreError("a stored stream breaks off in the middle")
        items.append(view[start : start + length])
        start += length
    if not items:  # the last item is what the stream returned
        raise RestoreError("a stored stream breaks off before its end")
    return items
