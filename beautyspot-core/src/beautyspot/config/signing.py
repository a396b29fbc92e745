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
    from hmac import HMAC

    from beautyspot.contracts import Data

SHORTEST: Final = 16
"""Bytes of a signing key; what is shorter can be guessed."""

_FORM: Final = 1


class SigningKeys:
    """The keys of a store: the first one signs, and a signature by any of them is accepted.

    Neither its `repr` nor a pickle of it has a key.

    Raises:
        TypeError: there is none.
        ValueError: a key is neither text nor bytes, or too short.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: object) -> None:
        several = [keys] if isinstance(keys, str | bytes) else keys
        if not isinstance(several, list | tuple) or not several:
            raise TypeError("no keys")
        self._keys = [key.encode() if isinstance(key, str) else key for key in several]
        if not all(isinstance(key, bytes) and len(key) >= SHORTEST for key in self._keys):
            raise ValueError("no bytes, or too few")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> str:
        raise TypeError("signing keys are not pickled: give them to each process")

    def begun(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None
    ) -> list[HMAC]:
        """The signatures of a result by each key, the first first; they wait for its data."""
        import hmac  # takes milliseconds, and most stores are not signed
        import json

        head = json.dumps([_FORM, key, codec, made_at, expires_at]).encode() + b"\n"
        return [hmac.new(each, head, "sha256") for each in self._keys]

    def sign(
        self, key: str, codec: str, made_at: float | None, expires_at: float | None, data: Data
    ) -> bytes:
        """The signature of a result, by the first key."""
        first = self.begun(key, codec, made_at, expires_at)[0]
        first.update(data)
        return first.digest()
