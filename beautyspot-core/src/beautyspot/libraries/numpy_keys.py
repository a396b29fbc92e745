"""The forms of NumPy arrays and scalars: type, shape and bytes.

Bytes are hashed in place, at the digest's own speed. Only an array that is not contiguous, in C
order, is copied, in parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beautyspot.keys.canonical.state import state, unreadable
from beautyspot.keys.canonical.text import LARGE, blob, chunked, quote, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.keys.canonical.walk import Form, Walk

_PART: Final = 1 << 22  # bytes to copy at a time
_BY_VALUE: Final = "OT"  # objects and variable-width strings: the buffer has addresses
_PADDED: Final = "gG"  # 80 bits in 16 bytes; the others are undefined


def _array(walk: Walk, value: np.ndarray[Any, Any]) -> str:
    plain = value.view(np.ndarray)
    parts = [walk.named(type(value)), _dtype(walk, plain.dtype), walk.array(plain.shape)]
    parts.append(_content(walk, plain))
    if type(value) is not np.ndarray:
        parts.append(_added(walk, value))
    return tag("ndarray", f"[{','.join(parts)}]")


def _content(walk: Walk, plain: Any) -> str:
    dtype = plain.dtype
    if dtype.names is not None:  # by field: padding between them is undefined
        return f"[{','.join([_content(walk, plain[name]) for name in dtype.names])}]"
    if dtype.kind in _BY_VALUE:
        return walk.array(plain.ravel().tolist())
    if dtype.char in _PADDED:
        return walk.array(map(str, plain.ravel()))
    return _raw(plain)


def _raw(plain: np.ndarray[Any, Any]) -> str:
    if plain.nbytes <= LARGE:
        return blob(plain.tobytes())
    if plain.flags.c_contiguous:
        return blob(plain.reshape(-1).view(np.uint8))
    return chunked(_parts(plain))


def _parts(plain: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    rows = max(1, _PART * len(plain) // plain.nbytes)
    for start in range(0, len(plain), rows):
        yield np.ascontiguousarray(plain[start : start + rows]).reshape(-1).view(np.uint8)


def _added(walk: Walk, value: np.ndarray[Any, Any]) -> str:
    """What a subclass adds, such as a mask or a unit; nothing for a memory map."""
    if isinstance(value, np.ma.MaskedArray):
        return walk.array([np.ma.getmaskarray(value), value.fill_value])
    return "{}" if isinstance(value, np.memmap) else state(walk, value, np.ndarray)


def _dtype(walk: Walk, dtype: Any) -> str:
    if dtype.names is None:
        return walk.array([dtype.str, repr(dtype)] if dtype.kind in "TV" else [dtype.str])
    fields = [(name, *dtype.fields[name][:2]) for name in dtype.names]
    texts = [f"[{quote(name)},{_dtype(walk, kind)},{offset}]" for name, kind, offset in fields]
    return f"[{','.join(texts)},{dtype.itemsize}]"


def _scalar(walk: Walk, value: np.generic) -> str:
    array = np.asarray(value)
    # There are many NaNs, and which one a calculation returns depends on the processor.
    content = '"NaN"' if array.dtype.kind == "f" and value != value else _content(walk, array)
    return tag("scalar", f"[{_dtype(walk, array.dtype)},{content}]")


def _ufunc(walk: Walk, value: np.ufunc) -> str:
    if getattr(np, value.__name__, None) is not value:
        return unreadable(walk, value)
    return tag("function", f'["numpy:{value.__name__}"]')


FAMILIES: Final[dict[str, Form]] = {
    "numpy:bytes_": _scalar,
    "numpy:dtype": lambda walk, value: tag("dtype", _dtype(walk, value)),
    "numpy:generic": _scalar,
    "numpy:ndarray": _array,
    "numpy:str_": _scalar,
    "numpy:ufunc": _ufunc,
}
