"""Whether what is stored is a result that may be returned: its digest, and its end.

A result lives for a time, and nothing stored tells its age but the wall clock when it was made. A
clock that was put back makes results "of the future". Such a result counts as far from its making
as the clocks differ, in either direction: one that was made less than its lifetime ahead is valid,
and ends at the time that it was given, so it lives for less than twice its lifetime; one from
further ahead has no age that could be told, and is computed again. So no result lives for ever, and
a small correction of the clock, or a small difference between two machines, ends none.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Final

from xxhash import xxh3_128, xxh3_128_digest

from beautyspot.contracts.records import less_mark
from beautyspot.errors import RestoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from beautyspot.contracts import Data

    class Digest(Protocol):
        """A digest under way."""

        def update(self, part: Data, /) -> None:
            """Take in more bytes."""

        def digest(self) -> bytes:
            """The digest of all bytes so far."""
            ...


FINGERPRINT: Final = 16
"""Bytes of a digest by `fingerprint`; a signature has more."""

SMALL: Final = 1 << 16
"""Bytes up to which one call on joined data is faster than a digest that is updated."""


class _Sentinel(Enum):
    """Values of our own that no user's function can return."""

    MISSING = "nothing usable is stored"
    ELSEWHERE = "something may be stored, but reading it would block"


MISSING: Final = _Sentinel.MISSING
ELSEWHERE: Final = _Sentinel.ELSEWHERE


def fingerprint(key: str, codec: str, data: Data) -> bytes:
    """The digest of a result, taken together with its key and its serializer (XXH3, 128 bits).

    It finds accidents: a flipped bit, a truncation, two rows or blobs swapped. Not attackers.
    """
    return UNSIGNED.sign(key, codec, None, None, data)


class Unsigned:
    """Makes digests where nothing is signed; `SigningKeys` has the same methods."""

    def begun(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None
    ) -> list[Digest]:
        """The `fingerprint` of a result, which waits for its data."""
        del made_at, expires_at
        return [xxh3_128(f"{key}\n{codec}\n".encode())]

    def sign(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None, data: Data
    ) -> bytes:
        """The `fingerprint` of a result."""
        del made_at, expires_at
        prefix = f"{key}\n{codec}\n".encode()
        if len(data) <= SMALL:
            return xxh3_128_digest(prefix + data)
        digest = xxh3_128(prefix)
        digest.update(data)
        return digest.digest()


UNSIGNED: Final = Unsigned()


def is_named(digests: Sequence[Digest], named: bytes | None) -> bool:
    """Whether a row names one of the digests that came out of its data.

    Signatures are compared in equal time: so nobody can guess one byte by byte.
    """
    named = less_mark(named)
    found = [each.digest() for each in digests]
    if type(named) is not bytes or len(named) <= FINGERPRINT:
        return named in found
    from hmac import compare_digest  # takes milliseconds, and most stores are not signed

    return any(compare_digest(digest, named) for digest in found)


def check_digests(digests: Sequence[Digest], named: bytes | None) -> None:
    """Compare what came out of the data of a result with what its row names.

    Raises:
        RestoreError: it is something else.
    """
    if not is_named(digests, named):
        signed = any(len(each.digest()) > FINGERPRINT for each in digests)
        or_else = ", or bears no signature by a signing_key that was given" if signed else ""
        raise RestoreError(f"the result is damaged: it is not what was stored{or_else}")


def has_expired(
    now: float,
    made_at: float | None,
    expires_at: float | None,
    ttl: float | None = None,
    grace: float = 0.0,
) -> bool:
    """Whether a result has ended: at the time that it was given, or by the `ttl` of today's mark.

    Args:
        now: Unix time in seconds, as are all here.
        made_at: when it was made.
        expires_at: when it ends; None: never.
        ttl: seconds after it was made; None: any.
        grace: seconds after its end for which it counts all the same.
    """
    lasts = [] if ttl is None else [(made_at or 0.0) + ttl]
    ends = min(lasts if expires_at is None else [*lasts, expires_at], default=inf) + grace
    return now >= ends or (made_at is not None and made_at - now >= ends - made_at)
