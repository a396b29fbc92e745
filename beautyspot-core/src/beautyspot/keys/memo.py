"""Remembers the keys of calls with small plain arguments, in one flat table.

Flat arguments, of exactly `str`, `int`, `float`, `bool` and None, are looked up by equality: no key
function can be registered for these. Their types are a part of the look-up, since `1`, `1.0` and
`True` are equal, but three calls. A float zero is never remembered: `0.0` equals `-0.0`.

Lists, tuples and dicts may be changed between two calls, and hold anything. They are looked up by
what `marshal` writes of them at that moment: equal bytes are equal arguments, part for part. It
tells the builtin types apart, and `0.0` from `-0.0`, and refuses subclasses. Only buffers are all
written as bytes are; so calls are remembered whose parts are containers and flat values, and
nothing else.
"""

from __future__ import annotations

from marshal import dumps
from types import NoneType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Any

    from beautyspot.keys.binding import Bound

    Flat = tuple[tuple[type, ...], tuple[Any, ...]]
    """The types of flat arguments, and their values."""

Address = tuple[str, str, str | None]
"""A call's key, its `input_id`, and the version that the key is made of."""

Memo = dict[object, Address]
"""The types and the values of flat arguments, or what is written of others -> the address."""

FLAT: Final = frozenset({str, int, float, bool, NoneType})
_PLAIN: Final = FLAT | {list, tuple, dict}

CALLS: Final = 4096
"""The number of calls of a function that are remembered; then the memo starts afresh."""

LONGEST: Final = 400
"""The longest texts of a call's flat arguments that are remembered, in characters.

Bounds the memory: a value that is written as its digest has a longer text.
"""

LARGEST: Final = 1024
"""The bytes of the largest nested arguments that are remembered."""

ZEROS: Final = frozenset({"0.0", "-0.0"})
"""The texts of floats that are equal, and two."""

_MANY: Final = 64  # items of a container that need not be written to see that it is too large
_FORMAT: Final = 4  # of `marshal`: writes what occurs twice once, so cycles end


def written(bound: Bound) -> bytes | None:
    """What small plain arguments are looked up by; None where they are not."""
    for value in (*bound[0], *bound[1].values()):
        kind = type(value)
        if kind not in _PLAIN or (kind not in FLAT and len(value) > _MANY):
            return None
    try:
        data = dumps(bound, _FORMAT)
    except ValueError:  # there are others among them
        return None
    return data if len(data) <= LARGEST else None
