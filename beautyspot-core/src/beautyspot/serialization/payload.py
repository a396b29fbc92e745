"""A result on its way between its codec and the store."""

from __future__ import annotations

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
