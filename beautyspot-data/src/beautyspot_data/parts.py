"""What the modules of all libraries share: digests for keys, checks of stored parts, messages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

PICKLE_IT: Final = (
    'with a signing_key, pickle it: mark(serializer="pickle") '
    "(needs beautyspot-pickle: docs/install.md)"
)
"""The last way out for a result that has no form of ours."""


def digest(chunks: Iterable[Any]) -> str:
    """The SHA-256 of buffers, one after another, in hexadecimal digits."""
    made = hashlib.sha256()
    for chunk in chunks:
        made.update(chunk)
    return made.hexdigest()


def digest_of(items: list[Any]) -> str:
    """The digest of a list of builtin values, of which Python's own text tells all."""
    return digest([repr(items).encode("utf-8", "surrogatepass")])


def check(parts: Any, *types: type | tuple[type, ...]) -> list[Any]:
    """The parts of a stored value, if each has exactly its type, or one of several.

    `object` stands for any type.

    Raises:
        RestoreError: there are more or fewer parts, or one has another type: damaged data.
    """
    if type(parts) is not list or len(parts) != len(types):
        raise RestoreError("more or fewer parts than were stored: the data are damaged")
    for part, expected in zip(parts, types, strict=True):
        kind = type(part)
        if kind is expected or expected is object:
            continue
        if not isinstance(expected, tuple) or kind not in expected:
            raise RestoreError(f"a part is a {kind.__name__}: the data are damaged")
    return parts
