"""Which codec writes a type, and which tag reads a code: fixed tables, that nothing stored extends.

The codecs of a library are imported when a value of it is met, so that the library has been
imported by the program, or when such a value is restored; those of the standard library likewise.
"""

from __future__ import annotations

import copyreg
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs import builtin, classes
from beautyspot.serialization.codecs.contract import Codec, Tag
from beautyspot.serialization.codecs.supported import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable

BY_TYPE: Final[dict[type, Codec]] = {**builtin.CODECS}
"""The types that are stored anyway; those of the standard library once `standard_codec` met one."""

_BY_CODE: Final[dict[int, Tag]] = {
    tag.code: tag
    for tag in (
        *BY_TYPE.values(),
        *classes.TAGS,
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
_STANDARD_CODES: Final = range(20, 60)

# The first part of a type's module -> our module with its codecs, and the codes that these use.
_LIBRARIES: Final = {
    "numpy": ("beautyspot.libraries.numpy_values", range(80, 85)),
    "pandas": ("beautyspot.libraries.pandas_values", range(88, 95)),
    "polars": ("beautyspot.libraries.polars_values", range(95, 100)),
    "pyarrow": ("beautyspot.libraries.arrow_values", range(100, 105)),
    "PIL": ("beautyspot.libraries.pillow_values", range(110, 115)),
    "torch": ("beautyspot.libraries.torch_values", range(115, 120)),
    "dateutil": ("beautyspot.libraries.dateutil_values", range(120, 122)),
    "pytz": ("beautyspot.libraries.pytz_values", range(122, 125)),
}


def standard_codec(cls: type) -> Codec | None:
    """The codec of a type of the standard library."""
    if cls.__module__.partition(".")[0] not in _STANDARD:
        return None
    _add_standard()
    return BY_TYPE.get(cls)


def _add_standard() -> None:
    from beautyspot.serialization.codecs import standard, times

    BY_TYPE.update(standard.CODECS)
    BY_TYPE.update(times.CODECS)
    _BY_CODE.update((codec.code, codec) for codec in BY_TYPE.values())


def library_codec(cls: type) -> Codec | None:
    """The codec of a type of another library."""
    library = cls.__module__.partition(".")[0]
    if library not in _LIBRARIES:
        return None
    codec: Codec | None = import_module(_LIBRARIES[library][0]).codec_of_type(cls)
    return codec


def tag_of_code(code: int) -> Tag:
    """The tag with an ext type.

    Raises:
        RestoreError: none has it, or its library is not installed.
    """
    if code in _STANDARD_CODES and code not in _BY_CODE:
        _add_standard()
    if code in _BY_CODE:
        return _BY_CODE[code]
    for library, (module, codes) in _LIBRARIES.items():
        if code in codes:
            return _library_tag(library, module, code)
    raise RestoreError(f"the ext type {code} is unknown: damaged, or stored by a newer release")


def _library_tag(library: str, module: str, code: int) -> Tag:
    try:
        tags: dict[int, Tag] = import_module(module).TAGS
    except ImportError as error:
        raise RestoreError(f"a value of {library} is stored: install it ({error})") from error
    if code not in tags:
        raise RestoreError(
            f"the ext type {code} of {library} is unknown: stored by a newer release"
        )
    return tags[code]


def _by_code(tag: Tag) -> tuple[Callable[[int], Any], tuple[int]]:
    return tag_of_code, (tag.code,)


# A registry is pickled with its tags, which are compared by identity.
copyreg.pickle(Tag, _by_code)
copyreg.pickle(Codec, _by_code)
