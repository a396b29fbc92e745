"""A result on its way between its codec and the store."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

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


class Buffer(BytesIO):
    """Bytes that can be written to, without a copy where nobody else has them: by `getbuffer()`.

    Where an exception holds the view, a collector of cycles finds both, and closes the file first:
    Python 3.13 tells the world that it can't.
    """

    def close(self) -> None:
        """Close it, unless somebody has a view of it."""
        with suppress(BufferError):
            super().close()
