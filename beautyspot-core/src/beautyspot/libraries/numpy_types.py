"""NumPy's arrays, scalars, types and functions: as arguments of a call, and as results.

In a key they count by type, shape and bytes. Bytes are hashed in place, at the digest's own speed.
Only an array that is not contiguous, in C order, is copied, in parts.

A result is stored as the array protocol's type string, and the raw bytes. The type is written as in
NumPy's own file format, NPY
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
from beautyspot.functions.names import is_python_class
from beautyspot.keys.canonical.state import SubclassForm, attributes, held, unreadable
from beautyspot.keys.canonical.text import LARGE, blob, chunked, quote, tag
from beautyspot.keys.canonical.walk import of_parts
from beautyspot.serialization.codecs.classes import PICKLE_IT
from beautyspot.serialization.codecs.contract import Codec, Refused, check, codec_of_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write


# ------------------------------------------------------------------------------------------- keys

_CHUNK: Final = 2**20  # bytes to copy at a time of an array that is not contiguous
_BY_VALUE: Final = "OT"  # objects and variable-width strings: the buffer has addresses
_PADDED: Final = "gG"  # 80 bits in 16 bytes; the others are undefined


def _array(walk: Walk, value: np.ndarray[Any, Any]) -> str:
    if value is np.ma.masked:
        return tag("constant", '"numpy:masked"')
    plain = np.ndarray.view(value, np.ndarray)  # a subclass may have its own
    kind = np.ndarray if _is_only_mapped(value) else type(value)
    parts = [walk.named(kind), _dtype(walk, value.dtype), walk.array(plain.shape)]
    parts.append(_content(walk, plain))
    if kind is not np.ndarray:
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
    return chunked(_chunks(plain))


def _chunks(array: np.ndarray[Any, Any]) -> Iterator[bytes]:
    """The bytes of an array in C order, some at a time."""
    chunks: Any = np.nditer(
        array,
        flags=["external_loop", "buffered"],
        buffersize=max(_CHUNK // array.itemsize, 1),
        order="C",
    )
    return (chunk.tobytes() for chunk in chunks)


_INNER: Final = frozenset(
    {
        *("_mmap", "filename", "offset", "mode"),  # of a memory map, which counts by its content
        *("_mask", "_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass"),
        *("_optinfo", "_basedict"),
    }
)
"""The attributes that NumPy's own subclasses keep in the ``__dict__``."""


def _is_only_mapped(value: np.ndarray[Any, Any]) -> bool:
    """Whether it is an array but for where its memory lies: joblib sends large ones as such."""
    return type(value) is np.memmap and set(vars(value)) <= _INNER


def _added(walk: Walk, value: np.ndarray[Any, Any]) -> str:
    """What a subclass adds, such as a mask or a unit, and the attributes that were set."""
    text = attributes(walk, value, held(walk, value, np.ndarray, _INNER.__contains__))
    if not isinstance(value, np.ma.MaskedArray):
        return text
    mask = [np.ma.getmaskarray(value), value.fill_value, value.hardmask]
    return f"[{walk.array(mask)},{text}]"


def _dtype(walk: Walk, dtype: Any) -> str:
    """The type string, what it leaves out, and the metadata, if there are any."""
    text = "T" if dtype.kind == "T" else dtype.str  # that of strings may show an address
    parts = [quote(text), *_beside_string(walk, dtype)]
    if dtype.metadata:
        parts.append(walk.at(".metadata", "", dict(dtype.metadata)))
    return f"[{','.join(parts)}]"


def _beside_string(walk: Walk, dtype: Any) -> list[str]:
    if dtype.names is not None:
        fields = [_field(walk, dtype, name) for name in dtype.names]
        return [f"[{','.join(fields)}]", walk.array([dtype.isalignedstruct, dtype.type.__name__])]
    if dtype.subdtype is not None:
        inner, shape = dtype.subdtype
        return [_dtype(walk, inner), walk.array(shape)]
    if dtype.kind == "T":
        missing = [dtype.na_object] if hasattr(dtype, "na_object") else []
        return [walk.array([dtype.coerce]), walk.array(missing, ".na_object")]
    if dtype.type.__module__ != "numpy":  # of another library: many have one type string
        return [walk.named(dtype.type)]
    return []


def _field(walk: Walk, dtype: Any, name: str) -> str:
    kind, offset, *title = dtype.fields[name]
    return f"[{quote(name)},{_dtype(walk, kind)},{walk.array([offset, *title])}]"


def _scalar(walk: Walk, value: np.generic) -> str:
    kind = type(value)
    if kind is np.record or not is_python_class(kind):
        return _plain_scalar(walk, value)
    base = next(base for base in kind.__mro__ if base is np.record or not is_python_class(base))
    return SubclassForm(base, _plain_scalar)(walk, value)


def _plain_scalar(walk: Walk, value: np.generic) -> str:
    array = np.asarray(value)
    # There are many NaNs, and which one a calculation returns depends on the processor.
    content = '"NaN"' if array.dtype.kind == "f" and value != value else _content(walk, array)
    return tag("scalar", f"[{_dtype(walk, array.dtype)},{content}]")


def _busy_days(walk: Walk, value: np.busdaycalendar) -> str:
    return tag("busdaycalendar", walk.array([value.weekmask, value.holidays]))


def _ufunc(walk: Walk, value: np.ufunc) -> str:
    if getattr(np, value.__name__, None) is not value:
        return unreadable(walk, value)
    return tag("function", f'["numpy:{value.__name__}"]')


def _generator(walk: Walk, value: object) -> str:
    walk.refuse(value, "is another one after each use", "pass a seed, and make it of that inside")


FAMILIES: Final[dict[str, Form]] = {
    "numpy:busdaycalendar": _busy_days,
    "numpy:bytes_": _scalar,
    "numpy:dtype": lambda walk, value: tag("dtype", _dtype(walk, value)),
    "numpy:generic": _scalar,
    "numpy:ndarray": _array,
    "numpy:str_": _scalar,
    "numpy:ufunc": _ufunc,
    "numpy.random:Generator": _generator,
    "numpy.random:RandomState": _generator,
}

FORMS: Final[dict[str, Form]] = {
    # A seed, with how often it was spawned: the next children are others.
    "numpy.random:SeedSequence": of_parts("seedsequence", lambda value: (value.state,)),
}

# ----------------------------------------------------------------------------------------- values

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


def _has_metadata(dtype: np.dtype[Any]) -> bool:
    inner = [dtype[name] for name in dtype.names or ()]
    inner += [dtype.base] if dtype.subdtype is not None else []
    return bool(dtype.metadata) or any(map(_has_metadata, inner))


def _descr(dtype: np.dtype[Any]) -> Any:
    """The type in NPY's form, after a check that NumPy reads it back."""
    if _is_portable(dtype) and dtype.itemsize and not _has_metadata(dtype):
        with suppress(ValueError):  # fields that overlap
            descr = np.lib.format.dtype_to_descr(dtype)
            restored = np.lib.format.descr_to_dtype(descr)
            if restored == dtype and repr(restored) == repr(dtype):  # as to alignment
                return descr
    raise Refused(
        f"the data type {dtype} has no stored form that is the same everywhere: convert it, "
        f"with .astype(…) or .tolist(), or, {PICKLE_IT}"
    )


def _restored_dtype(descr: Any) -> np.dtype[Any]:
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
    for chunk in _chunks(array):
        out += chunk


def _decode_array(parts: list[Any], read: Read) -> np.ndarray[Any, Any]:
    descr, shape, fortran, part = check(parts, (str, list), list, bool, (bytes, int))
    dtype, view = _restored_dtype(descr), read.buffer(part)
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
    return np.ndarray((), _restored_dtype(descr), raw).copy()[()]


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
    np.memmap: Codec(80, _encode_array, _decode_array),  # it comes back as an array in memory
}
