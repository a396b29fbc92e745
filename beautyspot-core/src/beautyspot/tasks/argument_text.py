"""The arguments of a call as a text for people, which stands in the row of its result.

It is short: long texts and big collections are cut, and what may be large is named by its type and
shape. No code of the user's runs for it: no `__repr__`, which may be slow or tell secrets. Secrets
are masked before anything is cut, so that no half of one is shown.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.binding import is_omitted
from beautyspot.keys.canonical import Without
from beautyspot.messages import MASK, is_secret, masked, may_hold_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Paths = tuple[str, ...]

LIMIT: Final = 1024
"""Bytes of the whole text, in UTF-8."""

_LONGEST: Final = 400
"""Characters of one text that are shown."""

_WINDOW: Final = 640
"""Characters of it in which secrets are looked for."""

_MOST: Final = 20
"""Items of one collection that are shown."""

_DEEPEST: Final = 6
"""Collections and objects within each other that are shown."""

_CUT: Final = "…"

_ABSENT: Final = object()
"""In place of an attribute that an object does not keep."""

_PLAIN: Final = frozenset({int, float, bool, type(None), complex})

_SHAPED: Final = frozenset(
    {
        *("numpy", "pandas", "polars", "pyarrow", "torch", "tensorflow", "jax", "jaxlib", "cupy"),
        *("scipy", "xarray", "dask", "geopandas", "modin", "mlx", "PIL"),
    }
)
"""Libraries whose objects are named by type, shape and kind of element."""


def argument_text(named: Mapping[str, Any]) -> str | None:
    """``name=text, name=text``, of at most `LIMIT` bytes; None where it can't be written."""
    try:
        texts = _Texts()
        return _bounded(texts.fields(named, "="))
    except Exception:  # whatever an argument does: the call is worth more
        return None


def id_text(given: object) -> str | None:
    """The same of an ID that stands in the place of the arguments."""
    try:
        return _bounded(_Texts().of(given, ()))
    except Exception:  # as above
        return None


def _bounded(text: str) -> str:
    if len(text) * 4 <= LIMIT:
        return text
    data = text.encode()
    if len(data) <= LIMIT:
        return text
    return data[: LIMIT - len(_CUT.encode())].decode(errors="ignore") + _CUT


class _Texts:
    """Writes one call's arguments, until there is no room for more."""

    __slots__ = ("_depth", "_room")

    def __init__(self) -> None:
        self._room = LIMIT  # characters
        self._depth = 0

    # ----------------------------------------------------------------------------- one value

    def of(self, value: Any, paths: Paths, name: str = "") -> str:
        """The text of a value, less what is on these paths of attributes."""
        kind = type(value)
        if kind is str:
            text = _quoted(value) if not (name and _is_secret(name)) else MASK
        elif kind in _PLAIN:
            text = repr(value) if kind is not int or value.bit_length() <= 256 else "<int>"
        elif kind is Without:
            return self.of(value.value, (*paths, *value.paths), name)
        elif self._depth >= _DEEPEST:
            text = _CUT
        else:
            self._depth += 1
            text = self._composed(value, kind, paths, name)
            self._depth -= 1
            return text
        self._room -= len(text)
        return text

    def _composed(self, value: Any, kind: type, paths: Paths, name: str) -> str:
        if issubclass(kind, dict):
            return self._dict(value, name)
        fields = _fields(value, kind)
        if fields is not None:
            return f"{_class_name(kind)}({self.fields(fields, '=', paths, name)})"
        for base, begin, brackets in _COLLECTIONS:
            if issubclass(kind, base):
                return self._items(begin(value), brackets, name)
        text = f"<{_class_name(kind)}>"
        if not name or not _is_secret(name):
            with suppress(Exception):  # the others are worth to be shown
                text = _short(value, kind)
        self._room -= len(text)
        return text

    # -------------------------------------------------------------------------- several values

    def fields(
        self, named: Mapping[str, Any], between: str, paths: Paths = (), within: str = ""
    ) -> str:
        """``name=text, name=text``, less what is on these paths."""
        texts = []
        for name, value in named.items():
            if is_omitted(value) or name in paths:
                continue
            if self._room <= 0:
                texts.append(_CUT)
                break
            inner = _below(name, paths) if paths else ()
            shown = _shown_name(name)
            self._room -= len(shown) + 3
            hidden = within if within and _is_secret(within) else name
            texts.append(f"{shown}{between}{self.of(value, inner, hidden)}")
        return ", ".join(texts)

    def _items(self, items: Iterator[Any], brackets: str, name: str) -> str:
        texts: list[str] = []
        before: object = None
        count = items.__length_hint__()  # type: ignore[attr-defined]  # the built-in iterators have it
        for item in islice(items, _MOST):
            if self._room <= 0:
                break
            self._room -= 2
            # A pair may be a header: its name, and what may be a secret; so is an option's value.
            words = _plain(before)
            hides = (count == 2 or words[:1] == "-") and bool(texts) and _is_secret(words)
            texts.append(self.of(item, (), "secret" if hides else name))
            before = item
        if brackets == "{}":
            texts.sort()  # the order of a set differs from process to process
        return _enclosed(texts, count, brackets)

    def _dict(self, table: dict[Any, Any], name: str) -> str:
        texts: list[str] = []
        hides = bool(name) and _is_secret(name)
        for key, value in islice(dict.items(table), _MOST):
            if self._room <= 0:
                break
            self._room -= 2
            within = name if hides else _plain(key)
            texts.append(f"{self.of(key, ())}: {self.of(value, (), within)}")
        return _enclosed(texts, dict.__len__(table), "{}")


def _below(name: str, paths: Paths) -> Paths:
    """What these paths leave out of an attribute."""
    return tuple(path[len(name) + 1 :] for path in paths if path.startswith(f"{name}."))


def _enclosed(texts: list[str], count: int, brackets: str) -> str:
    if count > len(texts):
        texts.append(f"{_CUT} {count - len(texts)} more")
    return f"{brackets[0]}{', '.join(texts)}{brackets[1]}"


_COLLECTIONS: Final[tuple[tuple[type, Callable[[Any], Iterator[Any]], str], ...]] = (
    (list, list.__iter__, "[]"),
    (tuple, tuple.__iter__, "()"),
    (set, set.__iter__, "{}"),
    (frozenset, frozenset.__iter__, "{}"),
)


# -------------------------------------------------------------------------------------- texts


def _quoted(text: str) -> str:
    """A text as Python writes it, cut after its secrets are masked."""
    if len(text) <= _LONGEST:
        return repr(masked(text) if may_hold_secret(text) else text)
    window = text[:_WINDOW]
    if len(text) > _WINDOW:  # a secret that goes on behind it would not be seen
        window = window[: _last_boundary(window)]
    shown = masked(window) if may_hold_secret(window) else window
    return repr(shown[:_LONGEST] + _CUT)


def _last_boundary(text: str) -> int:
    """Where the last word ends that is followed by a blank; 0 where there is none."""
    return next((n for n in range(len(text) - 1, 0, -1) if text[n].isspace() or text[n] > "⺀"), 0)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return is_secret(name)


@lru_cache(maxsize=1024)
def _shown_name(name: str) -> str:
    shown = name if not may_hold_secret(name) else masked(name)
    return shown if shown.isidentifier() else repr(shown[:_LONGEST])


def _plain(name: object) -> str:
    """A name, as a header of an HTTP client has it; "" for anything else."""
    if type(name) is bytes:
        return name.decode("latin-1")
    return name if type(name) is str else ""


def _class_name(kind: type) -> str:
    name: object = type.__dict__["__qualname__"].__get__(kind)
    return str(name).rpartition("<locals>.")[2][:80]


# ------------------------------------------------------------------------------------- objects


def _fields(value: Any, kind: type) -> dict[str, Any] | None:
    """The fields that a dataclass, an attrs or pydantic class or a named tuple shows."""
    for find in (_of_dataclass, _of_attrs, _of_pydantic):
        names = find(kind)
        if names is not None:
            found = ((name, _kept(value, kind, name)) for name in names)
            return {name: each for name, each in found if each is not _ABSENT}
    names = getattr(kind, "_fields", None) if issubclass(kind, tuple) else None
    if isinstance(names, tuple) and len(names) == tuple.__len__(value):
        return dict(zip(map(str, names), tuple.__iter__(value), strict=True))
    return None


def _kept(value: Any, kind: type, name: str) -> Any:
    """An attribute as an object or its class keeps it: no property is asked, which may do work."""
    with suppress(AttributeError, KeyError):  # it may have slots alone
        return object.__getattribute__(value, "__dict__")[name]
    for base in kind.__mro__:
        found = base.__dict__.get(name, _ABSENT)
        if type(found) is MemberDescriptorType:
            with suppress(AttributeError):  # it was never set
                return found.__get__(value)
        elif found is not _ABSENT and not hasattr(type(found), "__get__"):
            return found
    return _ABSENT


def _of_dataclass(kind: type) -> list[str] | None:
    fields = kind.__dict__.get("__dataclass_fields__")
    if not isinstance(fields, dict):
        return None
    return [name for name, f in fields.items() if f.repr and f._field_type.name == "_FIELD"]


def _of_attrs(kind: type) -> list[str] | None:
    fields = kind.__dict__.get("__attrs_attrs__")
    return None if fields is None else [f.name for f in fields if f.repr is True]


def _of_pydantic(kind: type) -> list[str] | None:
    fields = kind.__dict__.get("__pydantic_fields__")
    if not isinstance(fields, dict):
        return None
    return [name for name, field in fields.items() if field.repr]


def _short(value: Any, kind: type) -> str:
    """The text of anything else: of values of the standard library, or the type."""
    if kind in (bytes, bytearray):
        return f"<{kind.__name__} of {len(value)}>"
    if kind is memoryview:
        return f"<memoryview of {value.nbytes}>"
    if isinstance(value, type):
        return _class_name(value)
    if kind in (FunctionType, BuiltinFunctionType):
        return f"<function {value.__qualname__[:80]}>"
    module = _library(kind)
    if module in _SHAPED:
        return _shaped(value, kind, module)
    write = _STANDARD.get(f"{module}.{kind.__name__}")
    if write is not None and getattr(sys.modules.get(module), kind.__name__, None) is kind:
        return write(value)
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(kind, enum.EnumMeta):
        return f"{_class_name(kind)}.{value._name_}"
    return f"<{_class_name(kind)}>"


def _library(kind: type) -> str:
    """The library of the first class that is no user's, such as the frame that one is made from."""
    roots = [str(base.__module__).partition(".")[0] for base in kind.__mro__]
    return next((root for root in roots if root in _SHAPED), roots[0])


def _shaped(value: Any, kind: type, module: str) -> str:
    if module == "numpy" and isinstance(value, sys.modules["numpy"].number):
        return repr(value.item())
    if module == "PIL":
        shape, element = getattr(value, "size", None), getattr(value, "mode", "")
    else:
        shape, element = getattr(value, "shape", None), getattr(value, "dtype", "")
    sizes = "x".join(str(int(size)) for size in shape) if isinstance(shape, tuple) else ""
    told = [_class_name(kind), sizes, str(element)[:40] if sizes else ""]
    return f"<{' '.join(filter(None, told))}>"


def _time(value: Any) -> str:
    zone = value.tzinfo
    if zone is None or type(zone).__module__ in ("datetime", "zoneinfo"):
        return str(value.isoformat())
    return f"<{type(value).__name__}>"


def _path(value: Any) -> str:
    return _quoted(str(value).replace(":/", "://"))  # a URL has lost a slash: secrets are masked


_STANDARD: Final[dict[str, Callable[[Any], str]]] = {
    "datetime.date": str,
    "datetime.datetime": _time,
    "datetime.time": _time,
    "datetime.timedelta": str,
    "decimal.Decimal": lambda value: str(value)[:80],
    "fractions.Fraction": lambda value: str(value)[:80],
    "uuid.UUID": str,
    "pathlib.PosixPath": _path,
    "pathlib.WindowsPath": _path,
    "pathlib.PurePosixPath": _path,
    "pathlib.PureWindowsPath": _path,
    "builtins.range": repr,
}
