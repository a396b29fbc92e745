"""Images of Pillow: as arguments of a call, and as results.

In a key they count by mode, size, palette, information and pixels; stored are size, mode, `info`
and pixels. Pixels are stored without compression: exact in each mode, quick, and never a
decompression bomb. With a `content_type` such as image/png they are files for viewers: see
`pillow_media`.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from beautyspot.errors import RestoreError
from beautyspot.functions.names import root_of
from beautyspot.keys.canonical.state import NOTHING, attributes, held
from beautyspot.keys.canonical.text import blob, tag
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write


# ------------------------------------------------------------------------------------------- keys


def _image(walk: Walk, value: Image.Image) -> str:
    if getattr(value, "is_animated", False):
        walk.refuse(value, "has several frames: pass its bytes or its path instead, or else")
    value.load()  # first: a file may have more information after the pixels
    palette = value.getpalette("RGBA")
    head = walk.array([value.mode, list(value.size), palette, value.info])
    parts = f"{walk.named(type(value))},{head},{blob(value.tobytes())}"
    exif = changed_exif(value)
    changed = "" if exif is None else f",{tag('exif', walk.array(exif))}"
    return tag("image", f"[{parts}{_set_on(walk, value)}{changed}]")


_SAVED: Final = ("encoderinfo", "encoderconfig", "_default_encoderinfo")
_INNER: Final = frozenset({*vars(Image.Image()), *_SAVED})
"""What Pillow itself sets on an image, also when the image is saved."""


def _set_on(walk: Walk, value: Image.Image) -> str:
    """The attributes that were set, after a comma; not of a file, which has many of its own."""
    kind = type(value)
    if kind is not Image.Image and root_of(kind.__module__) == "PIL":
        return ""
    text = attributes(walk, value, held(walk, value, Image.Image, _INNER.__contains__))
    return "" if text == NOTHING else f",{text}"


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


FAMILIES: Final[dict[str, Form]] = {"PIL.Image:Image": _image}

# ----------------------------------------------------------------------------------------- values

_BITS: Final = {
    "1": 1,
    "L": 8,
    "LA": 16,
    "La": 16,
    "I;16": 16,
    "RGB": 24,
    "YCbCr": 24,
    "HSV": 24,
    "LAB": 24,
    "RGBA": 32,
    "RGBX": 32,
    "RGBa": 32,
    "CMYK": 32,
    "I": 32,
    "F": 32,
}
"""Modes without a palette -> bits a pixel; each line of pixels fills whole bytes."""

_LONGEST_EMPTY: Final = 2**16
"""The longest side of an image without pixels, since Pillow allocates a pointer for each line."""


def _size(mode: str, width: int, height: int) -> int:
    return (width * _BITS[mode] + 7) // 8 * height


def _refuse_more(value: Image.Image) -> None:
    """Refuse what is set on an image and neither in its pixels nor in its `info`."""
    own = vars(value).keys() - vars(Image.new("1", (1, 1))).keys() - {"_exif"}
    if own:
        raise Refused(f"an image with attributes ({', '.join(own)}): put them in its info")
    if changed_exif(value) is not None:
        raise Refused('an image whose Exif data was changed: set info["exif"] to their tobytes()')


def _encode_image(value: Image.Image, write: Write) -> list[object]:
    _refuse_more(value)
    if value.mode not in _BITS:
        raise Refused(
            f"an image of the mode {value.mode} has no stored form: convert it, to RGB say"
        )
    size = _size(value.mode, *value.size)
    return [
        value.mode,
        *value.size,
        write.value(value.info, ".info"),
        write.buffer(size, lambda out: out.__iadd__(value.tobytes())),
    ]


def _decode_image(parts: list[Any], read: Read) -> Image.Image:
    mode, width, height, info, part = check(parts, str, int, int, dict, (bytes, int))
    view = read.buffer(part)
    if mode not in _BITS or min(width, height) < 0 or _size(mode, width, height) != len(view):
        raise RestoreError("an image whose size does not fit its data")
    if not len(view) and max(width, height) > _LONGEST_EMPTY:
        raise RestoreError("an image whose size does not fit its data")
    image = Image.new(mode, (width, height))
    if len(view):
        image.frombytes(bytes(view))
    image.info = info
    return image


# What `Image.open` gives is of a subclass; its `copy()` is not.
CODECS: Final[dict[type, Codec]] = {Image.Image: Codec(110, _encode_image, _decode_image)}
