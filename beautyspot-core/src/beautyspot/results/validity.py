"""Whether what is stored is a result that may be returned: its digest, and its end.

A result lives for a time, and nothing stored tells its age but the wall clock when it was made. A
clock that was put back makes results "of the future". Such a result counts as far from its making
as the clocks differ, in either direction: one that was made less than its lifetime ahead is valid,
and ends at the time that it was given, so it lives for less than twice its lifetime; one from
further ahead has no age that could be told, and is computed again. So no result lives for ever, and
a small correction of the clock, or a small difference between two machines, ends none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xxhash import xxh3_128, xxh3_128_digest

if TYPE_CHECKING:
    from typing import Protocol

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import Data

    class Digest(Protocol):
        """A digest under way."""

        def update(self, part: Data, /) -> None:
            """Take in more bytes."""

        def digest(self) -> bytes:
            """The digest of all bytes so far."""
            ...


UNSIGNED: Final = 16
"""Bytes of a digest by `fingerprint`; a signature has more."""

SMALL: Final = 1 << 16
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
    if len(data) <= SMALL:
        return xxh3_128_digest(prefix + data)
    digest = xxh3_128(prefix)
    digest.update(data)
    return digest.digest()


def sealed(
    keys: SigningKeys | None,
    key: str,
    codec: str,
    made: float | None,
    expires: float | None,
    data: Data,
) -> bytes:
    """The digest of a row: its signature, where the Spot has signing keys."""
    if keys is None:
        return fingerprint(key, codec, data)
    return keys.sign(key, codec, made, expires, data)


def begun(key: str, codec: str) -> Digest:
    """The same digest, to which the data are given in parts."""
    return xxh3_128(f"{key}\n{codec}\n".encode())


def is_same(digest: bytes, named: object) -> bool:
    """Whether a row names this digest; signatures are compared in equal time.

    So nobody can guess one byte by byte.
    """
    if type(named) is not bytes or len(named) <= UNSIGNED:
        return digest == named
    from hmac import compare_digest  # takes milliseconds, and most stores are not signed

    return compare_digest(digest, named)


def has_expired(now: float, made_at: float | None, expires_at: float) -> bool:
    """Whether what was made at `made_at` to end at `expires_at` has ended. Unix times, seconds."""
    if now >= expires_at:
        return True
    return made_at is not None and made_at - now >= expires_at - made_at


def outlived(now: float, made_at: float, ttl: float) -> bool:
    """Whether what was made at `made_at` is `ttl` seconds old, or as far in the future."""
    return abs(now - made_at) >= ttl
