"""A result as bytes, and the items of a stream as one piece of bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import RestoreError, SerializationError

if TYPE_CHECKING:
    from beautyspot.contracts import Data


RAW_BYTES: Final = "raw:bytes"
RAW_TEXT: Final = "raw:text"
"""The column `serializer` of a result that is stored as it is, for viewers (text: UTF-8)."""


MEDIA: Final = "media:"
"""How the column `serializer` begins where a result is in the format of its content type."""


ERROR: Final = "error:"
"""How the column `serializer` of an error begins; what a value would have there follows."""


COMPRESSED: Final = "zstd."
"""How that of a compressed result begins; see `compression`."""


class Unfit(SerializationError):  # noqa: N818 - not an error of its own: the serializer writes then
    """A result can't be written in the format of its content type."""


class TooLarge(SerializationError):  # noqa: N818 - as above
    """A result is larger than a row may be, and there is no storage for it."""


class Payload(NamedTuple):
    """A result as bytes, with what restores it.

    Attributes:
        owned: True if nothing else uses the data, now or later: they can be written to, and the
            value may keep them as its memory.
    """

    data: Data
    codec: str
    owned: bool = False


class OtherFields(RestoreError):  # noqa: N818 - an earlier class's result, and no damage
    """What is stored is of a class that had other fields then."""


class StoredError(RestoreError):
    """What is stored is no value, but an error that the function raised.

    Attributes:
        error: made again; None where the mark vouches for no such class.
    """

    def __init__(self, error: Exception | None) -> None:
        super().__init__("what is stored is an error that the function raised")
        self.error = error

    def taken(self) -> Exception:
        """The error, once: what raises it must not refer to it, or it would stay in memory."""
        error, self.error = self.error, None
        assert error is not None  # noqa: S101 - who looks it up gives no other one
        return error


def is_error(codec: object) -> bool:
    """Whether a column `serializer` is that of an error."""
    return isinstance(codec, str) and codec.startswith(ERROR)


_LENGTH: Final = struct.Struct(">Q")


def framed(items: list[Data]) -> bytes:
    """The items one after another, each after its length in 8 bytes, big-endian."""
    return b"".join(part for item in items for part in (_LENGTH.pack(len(item)), item))


def unframed(data: Data) -> list[memoryview]:
    """The items of what `framed` returned, as views of it.

    Raises:
        RestoreError: the bytes end too early.
    """
    view, items, start = memoryview(data), [], 0
    while start + _LENGTH.size <= len(view):
        (length,) = _LENGTH.unpack_from(view, start)
        start += _LENGTH.size + length
        items.append(view[start - length : start])
    if start != len(view) or not items:  # the last item is what the stream returned
        raise RestoreError("a stored stream lacks its end: it is damaged")
    return items
