"""Results in the format that the mark's `content_type` names: PNG, JSON, CSV, Parquet, ….

A result is kept in such a format only if it comes back from it: what was written is read at once,
and counts if both have the same canonical text, as two equal arguments of a call have. So no format
needs a list of what it loses. What does not come back is stored by the serializer, which is said.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.keys.generator import KeyGen
from beautyspot.serialization.payload import MEDIA, Payload, Unfit

if TYPE_CHECKING:
    from beautyspot.serialization.media import Format

_LONGEST: Final = 2**16

_FORMATS: Final = {
    "application/json": "json",
    "application/parquet": "parquet",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
    "image/bmp": "bmp",
    "image/png": "png",
    "image/tiff": "tiff",
    "image/webp": "webp",
    "text/csv": "csv",
}

_TYPES: Final = {
    **dict.fromkeys(["dict", "list", "int", "float", "bool", "NoneType"], "builtins"),
    "PIL.Image:Image": "pillow",
    "pandas.core.frame:DataFrame": "pandas",
    "pandas:DataFrame": "pandas",
    "polars.dataframe.frame:DataFrame": "polars",
    "pyarrow.lib:Table": "pyarrow",
}

_MODULES: Final = {
    "builtins": ("beautyspot.serialization.media", ("json",)),
    "pillow": ("beautyspot.libraries.pillow_media", ("bmp", "png", "tiff", "webp")),
    "pandas": ("beautyspot.libraries.pandas_media", ("csv", "parquet")),
    "polars": ("beautyspot.libraries.polars_media", ("csv", "parquet")),
    "pyarrow": ("beautyspot.libraries.arrow_media", ("csv", "parquet")),
}
"""A library's name in the column -> our module for it, and the formats that this has."""

_KEYGEN: Final = KeyGen()


def written(value: Any, content_type: str) -> Payload:
    """The result in the format of its content type.

    Raises:
        Unfit: it has none, or would not come back from it.
    """
    cls = type(value)
    library, name = _library(cls), format_of(content_type)
    if not library:
        raise Unfit(f"there is no such form of the type {cls.__qualname__}")
    if name not in _MODULES[library][1]:
        there = [known for known, form in _FORMATS.items() if form in _MODULES[library][1]]
        raise Unfit(f"the type {cls.__qualname__} is written as {' or '.join(there)} only")
    try:
        form = _loaded(library, name)
        data, beside = form.write(value)
        if not _equal(value, form.read(data, beside)):
            raise Unfit("it would come back changed")
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(f"writing it failed ({error!r:.200})") from error
    if len(beside) > _LONGEST:
        raise Unfit(f"what {content_type} does not hold of it takes {len(beside)} bytes")
    # Beside stands in the column `serializer`, which the digest and the signature cover.
    codec = f"{MEDIA}{library}.{name}:{b64encode(beside).decode()}"
    return Payload(data, codec)


def _equal(value: object, read: object) -> bool:
    return _KEYGEN.canonical(value) == _KEYGEN.canonical(read)


def format_of(content_type: str) -> str:
    """The name of the format; "" where there is none for it."""
    kind = content_type.partition(";")[0].strip().lower()
    return _FORMATS.get(kind) or ("json" if kind.endswith("+json") else "")


def _library(cls: type) -> str:
    module, name = cls.__module__, cls.__qualname__
    return _TYPES.get(name if module == "builtins" else f"{module}:{name}", "")


@cache
def _loaded(library: str, name: str) -> Format:
    formats: dict[str, Format] = import_module(_MODULES[library][0]).FORMATS
    return formats[name]


def read(data: Any, codec: str, content_type: str | None) -> Any:
    """The value of a result that `written` wrote.

    Only the format of the mark's own content type is read: a row can have no other library look at
    what it holds.

    Raises:
        RestoreError: damaged, or in another format.
    """
    head, _, text = codec.removeprefix(MEDIA).partition(":")
    library, _, name = head.partition(".")
    wanted = format_of(content_type or "")
    if name != wanted or library not in _MODULES or name not in _MODULES[library][1]:
        raise RestoreError(f"the result was stored as {head:.40}, and content_type= says otherwise")
    try:
        return _loaded(library, name).read(data, b64decode(text, validate=True))
    except RestoreError:
        raise
    except Exception as error:
        raise RestoreError(f"a stored {name} can't be read ({error!r:.200})") from error
