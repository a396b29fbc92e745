"""The digest that is stored with a result, and the two answers of a look-up that are no result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xxhash import xxh3_128, xxh3_128_digest

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_SMALL: Final = 1 << 16
"""Bytes up to which one call on joined data is faster than a digest that is updated."""


class _Sentinel:
    """A value of our own that no user's function can return."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


MISSING: Final = _Sentinel("MISSING")
"""Nothing usable is stored."""

ELSEWHERE: Final = _Sentinel("ELSEWHERE")
"""Something may be stored, but reading it would block."""


def fingerprint(key: str, codec: str, data: Data) -> bytes:
    """The digest of a result, taken together with its key and its serializer (XXH3, 128 bits).

    It finds accidents: a flipped bit, a truncation, two rows or blobs swapped. Not attackers.
    """
    prefix = f"{key}\n{codec}\n".encode()
    if len(data) <= _SMALL:
        return xxh3_128_digest(prefix + data)
    digest = xxh3_128(prefix)
    digest.update(data)
    return digest.digest()
