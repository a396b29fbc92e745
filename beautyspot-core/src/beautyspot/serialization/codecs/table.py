"""Which codec writes a type, and which tag reads a code: fixed tables.

The codecs of a library, or of the standard library, are imported when a value of it is stored, so
that the program has imported the library, or when one is restored.
"""

from __future__ import annotations

import copyreg
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.functions.frozen import genuine
from beautyspot.serialization.codecs import builtin, classes, generics
from beautyspot.serialization.codecs.contract import Codec, Tag
from beautyspot.serialization.codecs.registry import REGISTERED, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable

BY_TYPE: Final[dict[type, Codec]] = {**builtin.CODECS}
"""The types that are always stored; those of the standard library once one of them was met."""

_BY_CODE: Final[dict[int, Tag]] = {
    tag.code: tag
    for tag in (
        *BY_TYPE.values(),
        *classes.TAGS,
        generics.GENERIC,
        REGISTERED,
        SUPPORTED,
        builtin.BIG_INT,
        builtin.BIG_BYTES,
        builtin.SURROGATES,
        builtin.PAIRS,
    )
}

_STANDARD: Final = frozenset(
    {
        "array", "collections", "datetime", "decimal", "fractions", "ipaddress", "pathlib", "re",
        "types", "uuid", "zoneinfo",
    }
)  # fmt: skip

# A library's name in messages, which is the first part of its types' modules -> our module with its
# codecs, and their range of codes.
_MODULES: Final = {
    "the standard library": ("beautyspot.serialization.codecs.standard", range(20, 60)),
    "pydantic": ("beautyspot.serialization.codecs.pydantic_values", range(125, 128)),
    "pydantic_core": ("beautyspot.serialization.codecs.pydantic_values", range(0)),
}


def standard_codec(cls: type) -> Codec | None:
    """The codec of a type of the standard library."""
    cls = genuine(cls)
    if cls.__module__.partition(".")[0] not in _STANDARD:
        return None
    BY_TYPE.update(_loaded("the standard library").CODECS)
    return BY_TYPE.get(cls)


def library_codec(cls: type) -> Codec | None:
    """The codec of a type of another library."""
    library = cls.__module__.partition(".")[0]
    if library not in _MODULES:
        return None
    codec: Codec | None = _loaded(library).CODECS.get(cls)
    return codec


@cache
def _loaded(library: str) -> Any:
    module: Any = import_module(_MODULES[library][0])
    _BY_CODE.update((codec.code, codec) for codec in module.CODECS.values())
    return module


def tag_of_code(code: int) -> Tag:
    """The tag with an ext type.

    Raises:
        RestoreError: none has it, or its library is not installed.
    """
    if code not in _BY_CODE:
        _load_code(code)
    if code in _BY_CODE:
        return _BY_CODE[code]
    raise RestoreError(f"the ext type {code} is unknown: damaged, or stored by a newer release")


def _load_code(code: int) -> None:
    for library, (_, codes) in _MODULES.items():
        if code in codes:
            try:
                _loaded(library)
            except ImportError as error:
                raise RestoreError(
                    f"a value of {library} is stored: install it ({error})"
                ) from error


def library_of(code: int) -> str | None:
    """The library whose values have an ext type; None if it is of no library."""
    return next((name for name, (_, codes) in _MODULES.items() if code in codes), None)


def type_of(code: int) -> str:
    """The type that is stored with an ext type, as "module:name"; of a family, one of them."""
    library = library_of(code)
    codecs = {**BY_TYPE, **(_loaded(library).CODECS if library else {})}
    names = (
        f"{cls.__module__}:{cls.__qualname__}" for cls, tag in codecs.items() if tag.code == code
    )
    return next(names, f"ext type {code}")


def _by_code(tag: Tag) -> tuple[Callable[[int], Any], tuple[int]]:
    return tag_of_code, (tag.code,)


# A registry is pickled together with its tags, which are compared by identity.
copyreg.pickle(Tag, _by_code)
copyreg.pickle(Codec, _by_code)
