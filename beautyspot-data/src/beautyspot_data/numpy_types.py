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

import json
import math
import re
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from beautyspot.contracts import Buffer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.parts import PICKLE_IT, check, digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

# ------------------------------------------------------------------------------------------- keys

_CHUNK: Final = 2**20  # bytes to copy at a time of an array that is not contiguous
_SMALL: Final = 1024  # bytes that are copied at once
_BY_VALUE: Final = "OT"  # objects and variable-width strings: the buffer has addresses
_PADDED: Final = "gG"  # 80 bits in 16 bytes; the others are undefined
_PLAIN: Final = frozenset("biufcSUmM")  # kinds of types of which their string tells all
_WHOLE: Final = frozenset("?bBhHiIlLqQefdFDSUmM")  # types whose bytes tell all


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return _scalar(value)
    if isinstance(value, np.dtype):
        return type_of(value)
    if isinstance(value, np.ufunc):
        name = str(value.__name__)
        if getattr(np, name, None) is not value:
            raise UnstableKeyError("is no function of NumPy itself: pass the Python function")
        return name
    if isinstance(value, np.busdaycalendar):
        return value.weekmask, value.holidays
    if isinstance(value, np.random.SeedSequence):
        return value.state  # with how often it was spawned: the next children are others
    raise UnstableKeyError("is another one after each use: pass a seed, and make it of that inside")


def _array(value: Array) -> object:
    if value is np.ma.masked:
        return "masked"
    plain = value if type(value) is np.ndarray else np.ndarray.view(value, np.ndarray)
    kind, content = type_of(value.dtype), content_of(plain)
    if isinstance(value, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(value), value.fill_value, value.hardmask
        return kind, plain.shape, content, masked
    if type(kind) is str and type(content) is str:  # one text is written faster than its parts
        return f"{kind}{plain.shape}{content}"
    return kind, plain.shape, content


def _scalar(value: np.generic) -> object:
    kind = type_of(value.dtype)
    if value.dtype.kind == "f" and value != value:
        # There are many NaNs, and which one a calculation returns depends on the processor.
        return f"{kind} NaN"
    if value.dtype.char in _WHOLE:
        return f"{kind} {value.tobytes().hex()}"
    return kind, content_of(np.asarray(value))


def content_of(plain: Array) -> object:
    """What counts of an array beside type and shape: a digest of its bytes, or its items."""
    dtype = plain.dtype
    if dtype.names is not None:  # by field: padding between them is undefined
        contents: list[Any] = [content_of(plain[name]) for name in dtype.names]
        return " ".join(contents) if {*map(type, contents)} == {str} else contents
    if dtype.kind in _BY_VALUE:
        return plain.ravel().tolist()
    if dtype.char in _PADDED:
        return digest_of([*map(str, plain.ravel())])
    if plain.nbytes <= _SMALL:
        return sha256(plain.tobytes()).hexdigest()
    if plain.flags.c_contiguous:
        return sha256(plain.reshape(-1).view(np.uint8).data).hexdigest()
    return digest(_chunks(plain))


def _chunks(array: Array) -> Iterator[bytes]:
    """The bytes of an array in C order, some at a time."""
    chunks: Any = np.nditer(
        array,
        flags=["external_loop", "buffered"],
        buffersize=max(_CHUNK // array.itemsize, 1),
        order="C",
    )
    return (chunk.tobytes() for chunk in chunks)


def type_of(dtype: Any) -> object:
    """The type string, and what that leaves out; parts instead if that is no plain text."""
    if dtype.kind in _PLAIN and dtype.metadata is None and dtype.type.__module__ == "numpy":
        return dtype.str
    parts, is_text = _beside_string(dtype)
    if dtype.metadata:
        return parts, dict(dtype.metadata)
    return repr(parts) if is_text else parts


def _beside_string(dtype: Any) -> tuple[tuple[object, ...], bool]:
    """The type string with what that leaves out, and whether all of it is plain."""
    if dtype.names is not None:
        fields = [dtype.fields[name] for name in dtype.names]
        kinds = [type_of(kind) for kind, *_ in fields]
        more = [more for _, *more in fields]
        parts = dtype.str, dtype.names, kinds, more, dtype.isalignedstruct, dtype.type.__name__
        return parts, {*map(type, kinds)} == {str}
    if dtype.subdtype is not None:
        inner = type_of(dtype.subdtype[0])
        return (inner, dtype.subdtype[1]), type(inner) is str
    if dtype.kind == "T":  # its string may show an address
        missing = [dtype.na_object] if hasattr(dtype, "na_object") else []
        return ("T", dtype.coerce, missing), False
    if dtype.type.__module__ == "numpy":
        return (dtype.str, dtype.type.__name__), True
    return (dtype.str, dtype.type), False  # of another library: many have one type string


_INNER: Final = frozenset(
    {
        *("_mmap", "filename", "offset", "mode"),  # of a memory map, which counts by its content
        *("_mask", "_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass"),
        *("_optinfo", "_basedict"),
    }
)
"""The attributes that NumPy's own subclasses keep in the ``__dict__``."""


def own_names(_cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`."""
    return _INNER.__contains__


def counted_as(cls: type) -> type:
    """See `TypeSupport.counted_as`. joblib sends large arrays as memory maps of them."""
    return np.ndarray if cls is np.memmap else np.dtype if issubclass(cls, np.dtype) else cls


# ----------------------------------------------------------------------------------------- values

_ARRAYS: Final = (np.ndarray, np.memmap)  # the latter comes back as an array in memory
_TEXTS: Final = (np.str_, np.bytes_)
_SCALARS: Final = frozenset(np.sctypeDict.values()).difference((np.object_, *_TEXTS))

_OBJECT: Final = "|O"

_TYPE_STRING: Final = re.compile(
    r"[<>|](b1|[iu][1248]|f[248]|c8|c16|[SUV]\d{1,9}|[mM]8(\[\w{1,30}\])?)"
)


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    kind = type(value)
    if kind in _ARRAYS:
        turned = value.flags.f_contiguous and not value.flags.c_contiguous
        content = Buffer(lambda out: _append(value.T if turned else value, out))
        return ["array", _descr(value.dtype), [*value.shape], turned, content]
    if kind in _SCALARS:
        descr = _descr(value.dtype)
        if restored_type(descr).type is not kind:
            raise SerializationError(f"would come back as a {value.dtype}: convert it")
        return ["scalar", descr, value.tobytes()]
    if kind in _TEXTS:
        return ["text", bytes(value) if isinstance(value, bytes) else str.__str__(value)]
    if isinstance(value, np.dtype):
        return ["type", _OBJECT if value.kind == "O" else _descr(value)]
    raise SerializationError(
        "is not a type that can be stored: return numpy.array(…, subok=False), and beside it what "
        "that leaves out, such as the mask of a masked array (….data, ….mask), or the unit of a "
        f"quantity (….value, str(….unit)); or, {PICKLE_IT}"
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


def _descr(dtype: np.dtype[Any]) -> str:
    """The type in NPY's form, one of fields as JSON, after a check that NumPy reads it back."""
    if _is_portable(dtype) and dtype.itemsize and not _has_metadata(dtype):
        with suppress(ValueError):  # fields that overlap, or have titles
            descr: Any = np.lib.format.dtype_to_descr(dtype)
            text = descr if isinstance(descr, str) else json.dumps(descr)
            restored = restored_type(text)
            if restored == dtype and repr(restored) == repr(dtype):  # as to alignment
                return text
    raise SerializationError(
        f"of the data type {dtype} has no stored form that is the same everywhere: convert it, "
        'with .tolist() of objects and of texts, .astype("float64") of a longdouble, '
        f"numpy.lib.recfunctions.repack_fields(…) of aligned fields; or, {PICKLE_IT}"
    )


def _append(array: Array, out: bytearray) -> None:
    out += np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    match form:
        case ["array", *parts]:
            return _decode_array(parts)
        case ["scalar", str(descr), bytes(raw)]:
            return np.ndarray((), restored_type(descr), raw).copy()[()]
        case ["type", str(descr)]:
            return np.dtype(object) if descr == _OBJECT else restored_type(descr)
        case ["text", str(text)]:
            return np.str_(text)
        case ["text", bytes(text)]:
            return np.bytes_(text)
    raise RestoreError("no value of NumPy")


def _decode_array(parts: list[Any]) -> Array:
    descr, shape, turned, view = check(parts, str, list, bool, memoryview)
    dtype = restored_type(descr)
    numbers = {*map(type, shape)} <= {int} and min(shape, default=0) >= 0
    if not numbers or math.prod(shape) * dtype.itemsize != len(view):
        raise RestoreError("an array whose shape does not fit its data")
    order: Any = "F" if turned else "C"
    if not len(view):
        return np.empty(shape, dtype, order)
    array: Array = np.ndarray(shape, dtype, view, order=order)
    if array.flags.writeable and array.flags.aligned:
        return array  # it keeps the view as its memory
    return array.copy(order="K")


@lru_cache(256)
def restored_type(text: str) -> np.dtype[Any]:
    """The type of a stored description.

    Raises:
        RestoreError: it is none that is stored.
    """
    descr: Any = json.loads(text) if text[:1] == "[" else text
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
