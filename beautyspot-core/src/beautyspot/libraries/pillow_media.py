"""Images of Pillow as files that a viewer opens; formats that keep each pixel as it is."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from beautyspot.serialization.codecs.contract import check
from beautyspot.serialization.media import Format
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_PLAIN: Final = MsgpackSerializer()


def _write(name: str, value: Image.Image, **options: Any) -> tuple[bytes, bytes]:
    out = BytesIO()
    bare = value.copy()
    bare.info = {}  # it comes back from what is beside, whole
    bare.save(out, name, **options)
    return out.getvalue(), bytes(_PLAIN.dumps([value.mode, value.info]))


def _read(name: str, data: Data, beside: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=[name]) as opened:
        image = opened.copy()  # of the class `Image`, as what was written
    mode, info = check(_PLAIN.loads(beside), str, dict)
    if image.mode != mode:  # WebP has two modes only, and gives a gray image as one in color
        image = image.convert(mode)
    image.info = info
    return image


def _format(name: str, **options: Any) -> Format:
    return Format(lambda value: _write(name, value, **options), partial(_read, name))


FORMATS: Final = {
    "bmp": _format("BMP"),
    "png": _format("PNG"),
    "tiff": _format("TIFF", compression="tiff_deflate"),
    "webp": _format("WEBP", lossless=True, exact=True),
}
