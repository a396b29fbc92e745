"""Codecs of NumPy arrays and scalars: the array protocol's type strings, and the raw bytes.

The type is written as in NumPy's own file format, NPY
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), but not as text to
evaluate. Refused: object arrays, whose bytes are addresses, subclasses of ndarray, and
`longdouble`, whose bytes mean another number on another machine.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Codec, Refused, check, codec_of_parts

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write

_CHUNK: Final = 2**20  # bytes to copy at a time of an array that is not contiguous

_TYPE_STRING: Final = re.compile(
    r"[<>|](b1|[iu][1248]|f[248]|c8|c16|[SUV]\d{1,9}|[mM]8(\[\w{1,30}\])?)"
)


def _is_portable(dtype: np.dtype[Any]) -> bool:
    """Whether the bytes of an item mean the same value on every machine."""
    if dtype.subdtype is not None:
        return _is_portable(dtype.base)
    if dtype.names is not None:
        return all(_is_portable(dtype[name]) for name in dtype.names)
    return _TYPE_STRING.fullmatch(dtype.str) is not None and dtype.isbuiltin != 2


def _descr(dtype: np.dtype[Any]) -> Any:
    """The type in NPY's form, after a check that NumPy reads it back."""
    if _is_portable(dtype) and dtype.itemsize:
        with suppress(ValueError):  # fields that overlap
            descr = np.lib.format.dtype_to_descr(dtype)
            if np.lib.format.descr_to_dtype(descr) == dtype:
                return descr
    raise Refused(
        f"the data type {dtype} has no stored form that is the same everywhere: convert it, "
        "with .astype(…) or .tolist()"
    )


def _dtype(descr: Any) -> np.dtype[Any]:
    _check_descr(descr)
    dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(descr)
    if not _is_portable(dtype) or not dtype.itemsize:
        raise RestoreError(f"an array of the type {dtype}")
    return dtype


def _check_descr(descr: Any) -> None:
    """Refuse all that `dtype_to_descr` does not write: NumPy's parser accepts more."""
    if type(descr) is str:
        if not _TYPE_STRING.fullmatch(descr):
            raise RestoreError(f"an array of the type {descr[:40]!r}")
    else:  # (name, type) or (name, type, shape) a field
        for field in check([descr], list)[0]:
            _check_descr(field[1])


def _encode_array(value: np.ndarray[Any, Any], write: Write) -> list[object]:
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous

    def fill(out: bytearray) -> None:
        _append(value.T if fortran else value, out)

    return [
        write.value(_descr(value.dtype), ".dtype"),
        list(value.shape),
        fortran,
        write.buffer(value.nbytes, fill),
    ]


def _append(array: np.ndarray[Any, Any], out: bytearray) -> None:
    if not array.size:
        return
    if array.flags.c_contiguous:
        out += array.reshape(-1).view(np.uint8).data
        return
    chunks: Any = np.nditer(
        array,
        flags=["external_loop", "buffered"],
        buffersize=max(_CHUNK // array.itemsize, 1),
        order="C",
    )
    for chunk in chunks:
        out += chunk.tobytes()


def _decode_array(parts: list[Any], read: Read) -> np.ndarray[Any, Any]:
    descr, shape, fortran, part = check(parts, (str, list), list, bool, (bytes, int))
    dtype, view = _dtype(descr), read.buffer(part)
    check(shape, *[int] * len(shape))
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(view):
        raise RestoreError("an array whose shape does not fit its data")
    order: Any = "F" if fortran else "C"
    if not len(view):
        return np.empty(shape, dtype, order)
    array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, view, order=order)
    if array.flags.writeable and array.flags.aligned:
        return array  # it keeps the view as its memory
    return array.copy(order="K")


def _encode_scalar(value: np.generic, write: Write) -> list[object]:
    descr = _descr(value.dtype)
    if np.lib.format.descr_to_dtype(descr).type is not type(value):
        raise Refused(f"a {type(value).__name__} would come back as a {value.dtype}: convert it")
    return [write.value(descr, ".dtype"), value.tobytes()]


def _decode_scalar(descr: Any, raw: bytes) -> Any:
    return np.ndarray((), _dtype(descr), raw).copy()[()]


def _encode_text(value: np.str_ | np.bytes_, write: Write) -> list[object]:
    plain = bytes(value) if isinstance(value, bytes) else str.__str__(value)
    return [write.value(plain, "")]


def _decode_text(plain: str | bytes) -> Any:
    return np.str_(plain) if isinstance(plain, str) else np.bytes_(plain)


_SCALAR: Final = codec_of_parts(81, _encode_scalar, _decode_scalar, (str, list), bytes)
_TEXT: Final = codec_of_parts(82, _encode_text, _decode_text, (str, bytes))

CODECS: Final[dict[type, Codec]] = {
    **{kind: _SCALAR for kind in np.sctypeDict.values() if kind is not np.object_},
    np.str_: _TEXT,
    np.bytes_: _TEXT,
    np.ndarray: Codec(80, _encode_array, _decode_array),
}
