"""Images of Pillow: as arguments of a call, and as results.

In a key they count by mode, size, palette, information and pixels; stored are size, mode, `info`
and pixels. Pixels are stored without compression: exact in each mode, quick, and never a
decompression bomb. With a content type such as image/png they are files for viewers, of formats
that keep each pixel as it is.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Buffer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from beautyspot_data.parts import PICKLE_IT, check, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Data

# ------------------------------------------------------------------------------------------- keys


def key(value: Image.Image) -> object:
    """See `TypeSupport.key`."""
    if getattr(value, "is_animated", False):
        raise UnstableKeyError("has several frames: pass its bytes or its path instead, or else")
    value.load()  # first: a file may have more information after the pixels
    pixels = digest([value.tobytes()])
    return value.mode, value.size, value.getpalette("RGBA"), value.info, pixels, changed_exif(value)


_SAVED: Final = ("encoderinfo", "encoderconfig", "_default_encoderinfo")
_INNER: Final = frozenset({*vars(Image.Image()), *_SAVED})
"""What Pillow itself sets on an image, also when the image is saved."""


def own_names(cls: type) -> Callable[[str], object] | None:
    """See `TypeSupport.own_names`. Those of a file have many of its own."""
    of_a_file = cls is not Image.Image and cls.__module__.startswith("PIL.")
    return None if of_a_file else _INNER.union(("_exif",)).__contains__


def changed_exif(value: Image.Image) -> list[Any] | None:
    """The Exif data of an image where they are not what its `info` gives; else None.

    Pillow reads them from there once, and keeps what it read, or what a caller made of it.
    """
    own = vars(value).get("_exif")
    if own is None:
        return None
    bare = Image.Image()
    bare.info = value.info
    with suppress(Exception):  # damaged: then there are none
        bare.getexif()
    found = _tags(own)
    return None if found == _tags(bare.getexif()) else found


def _tags(exif: Image.Exif) -> list[Any]:
    exif = copy(exif)
    # `get_ifd` notes there what it reads, and `tobytes` writes that.
    exif._ifds = dict(vars(exif).get("_ifds", {}))
    found: list[Any] = [_plain(dict(exif))]
    for directory in ExifTags.IFD:
        with suppress(Exception):  # as above
            inner = exif.get_ifd(directory)
            found += [(int(directory), _plain(inner))] if inner else []
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, IFDRational):  # 0/0 is unlike itself
        return value.numerator, value.denominator
    if isinstance(value, tuple):
        return tuple([_plain(each) for each in value])
    if isinstance(value, dict):
        return {int(number): _plain(each) for number, each in value.items()}
    return value


# ----------------------------------------------------------------------------------------- values

_BITS: Final = {
    "1": 1, "L": 8, "LA": 16, "La": 16, "I;16": 16, "RGB": 24, "YCbCr": 24, "HSV": 24,
    "LAB": 24, "RGBA": 32, "RGBX": 32, "RGBa": 32, "CMYK": 32, "I": 32, "F": 32,
}  # fmt: skip
"""Modes without a palette -> bits a pixel; each line of pixels fills whole bytes."""

_LONGEST_EMPTY: Final = 2**16
"""The longest side of an image without pixels, since Pillow allocates a pointer for each line."""


def _size(mode: str, width: int, height: int) -> int:
    return (width * _BITS[mode] + 7) // 8 * height


def _check(value: Image.Image) -> None:
    """Refuse an image that would come back changed, whatever it is written as."""
    if type(value) is not Image.Image:  # what `Image.open` gives
        raise SerializationError(
            "reads its file when it is used: return image.copy()"
            if type(value).__module__.startswith("PIL.")
            else f"is not a type that can be stored: return a plain image, or, {PICKLE_IT}"
        )
    if changed_exif(value) is not None:
        raise SerializationError('has changed Exif data: set info["exif"] to their tobytes()')


def encode(value: Image.Image) -> object:
    """See `TypeSupport.encode`."""
    _check(value)
    if value.mode not in _BITS:
        raise SerializationError(
            f"of the mode {value.mode} has no stored form: convert it, to RGB say"
        )
    content = Buffer(lambda out: out.__iadd__(value.tobytes()))
    return [value.mode, *value.size, value.info, content]


def decode(form: Any) -> Image.Image:
    """See `TypeSupport.decode`."""
    match form:
        case [str(mode), int(width), int(height), dict(info), memoryview() as view]:
            pass
        case _:
            raise RestoreError("no image of Pillow")
    if mode not in _BITS or min(width, height) < 0 or _size(mode, width, height) != len(view):
        raise RestoreError("an image whose size does not fit its data")
    if not len(view) and max(width, height) > _LONGEST_EMPTY:
        raise RestoreError("an image whose size does not fit its data")
    image = Image.new(mode, (width, height))
    if len(view):
        image.frombytes(bytes(view))
    image.info = info
    return image


# ------------------------------------------------------------------------------------------ files

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "BMP": {},
    "PNG": {},
    "TIFF": {"compression": "tiff_deflate"},
    "WEBP": {"lossless": True, "exact": True},
}
"""Formats, each with the options by which it keeps each pixel."""


def _format(content_type: str) -> str:
    return content_type.removeprefix("image/").upper()


def to_media(value: Image.Image, content_type: str) -> tuple[Data, object]:
    """See `TypeSupport.to_media`."""
    _check(value)
    out, name = BytesIO(), _format(content_type)
    bare = value.copy()
    bare.info = {}  # it comes back from what is beside, whole
    bare.save(out, name, **_OPTIONS[name])
    return out.getvalue(), [value.mode, value.info]


def from_media(data: Data, content_type: str, beside: Any) -> Image.Image:
    """See `TypeSupport.from_media`."""
    mode, info = check(beside, str, dict)
    with Image.open(BytesIO(data), formats=[_format(content_type)]) as opened:
        image = opened.copy()  # of the class `Image`, as what was written
    if image.mode != mode:  # WebP has two modes only, and gives a gray image as one in color
        image = image.convert(mode)
    image.info = info
    return image
