"""Signatures: they tell this program's results from those that another program stored.

A signature is HMAC-SHA256 (RFC 2104, FIPS 198-1), all 32 bytes of it, over::

    JSON array [1, key, serializer, made_at, expires_at]   newline   data

It is the row's `digest`, in place of the XXH3 of a store that is not signed. JSON quotes its
texts, so that no two different rows have one signed text. No hit relies on what is not signed:
names, tags, sizes, times of use, and where a blob is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from hmac import HMAC

    from beautyspot.contracts import Data

SHORTEST: Final = 16
"""Bytes of a signing key; what is shorter can be guessed."""

_FORM: Final = 1


class SigningKeys:
    """The keys of a store: the first one signs, and a signature by any of them is accepted.

    Neither its `repr` nor a pickle of it has a key.

    Raises:
        TypeError: a key is neither text nor bytes, or there is none.
        ValueError: a key is too short.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: str | bytes | Iterable[str | bytes]) -> None:
        several = [keys] if isinstance(keys, str | bytes) else list(keys)
        self._keys = tuple(map(_checked, several))
        if not self._keys:
            raise TypeError("no key")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> str:
        raise TypeError("signing keys are not pickled: give them to each process")

    def sign(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None, data: Data
    ) -> bytes:
        """The signature of a result, by the first key."""
        return _signature(self._keys[0], _head(key, codec, made_at, expires_at), data)

    def begun(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None
    ) -> list[HMAC]:
        """The signatures of a result by each key, the first first; they wait for its data."""
        head = _head(key, codec, made_at, expires_at)
        return [_begun(each, head) for each in self._keys]

    def signed(
        self,
        signature: bytes | None,
        key: str,
        codec: str,
        made_at: float | None,
        expires_at: float | None,
        data: Data,
    ) -> bool:
        """Whether one of the keys made this signature of this result."""
        from hmac import compare_digest

        if type(signature) is not bytes:
            return False
        head = _head(key, codec, made_at, expires_at)
        return any(compare_digest(_signature(each, head, data), signature) for each in self._keys)


def _checked(key: str | bytes) -> bytes:
    if isinstance(key, str):
        key = key.encode()
    if not isinstance(key, bytes):
        raise TypeError("no key")
    if len(key) < SHORTEST:
        raise ValueError("too short")
    return key


def _head(key: str, codec: str, made_at: float | None, expires_at: float | None) -> bytes:
    import json

    return json.dumps([_FORM, key, codec, made_at, expires_at]).encode() + b"\n"


def _signature(signing_key: bytes, head: bytes, data: Data) -> bytes:
    digest = _begun(signing_key, head)
    digest.update(data)
    return digest.digest()


def _begun(signing_key: bytes, head: bytes) -> HMAC:
    import hmac  # takes milliseconds, and most stores are not signed

    return hmac.new(signing_key, head, "sha256")
