"""Small pictures of pictures, for lists."""

from __future__ import annotations

import io
import logging
import struct
from importlib.util import find_spec
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.values.measures import measured
from beautyspot_dashboard.values.media_types import PICTURES, plain_type
from beautyspot_dashboard.values.recent import Recent

if TYPE_CHECKING:
    from beautyspot import TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.views import Look

_log = logging.getLogger("beautyspot")

SIDE: Final = 240
"""Pixels of a thumbnail's longer side, at most."""

_FORMATS: Final = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
}
"""What is made smaller, and what Pillow calls it: it may take a picture for nothing else."""

_LARGEST: Final = 32 * 2**20
"""Bytes of a picture that is made smaller."""

_MOST_PIXELS: Final = 50_000_000
"""Pixels of one: they are in memory at once, four bytes each."""

_SCAN: Final = b"\xff\xda"
"""Begins a scan of a JPEG, and stands nowhere else in one but in a thumbnail that it brings."""

_MOST_SCANNED: Final = 1_000_000_000
"""Pixels of all scans: each goes over all of the picture, and a few bytes make one."""

_LARGEST_RAW: Final = 1_000_000
"""Bytes of a picture that is its own thumbnail."""

_KEPT: Final = 32 * 2**20
"""Bytes of all thumbnails that are kept in memory."""


class Thumbnail(NamedTuple):
    """A small picture."""

    data: bytes
    content_type: str


_recent: Final[Recent[Thumbnail | None]] = Recent(
    _KEPT, lambda made: 1000 + (len(made.data) if made else 0)
)
_turns = BoundedSemaphore(2)
"""At most two pictures are decoded at a time."""


def has_thumbnail(record: TaskRecord) -> bool:
    """Whether there may be a thumbnail of a result, as far as its row tells."""
    kind = plain_type(record.content_type or "")
    limit = _LARGEST if kind in _FORMATS and _has_pillow() else _LARGEST_RAW
    return kind in PICTURES and (record.size or 0) <= limit


def thumbnail_href(request: Request, record: TaskRecord) -> str:
    """The path of the picture of a result; "" where there is none."""
    if not has_thumbnail(record) or not result_href(request, record.cache_key):
        return ""
    store = request.path_params["store"]
    return href(request, "thumbnail", store=store, key=record.cache_key)


def thumbnail_of(look: Look) -> Thumbnail | None:
    """The thumbnail of a result; None where there is none.

    Raises:
        BeautyspotError: its bytes are damaged, or can't be read.
        TooLargeError: it is larger than its row says.
    """
    record, kind = look.record, plain_type(look.content.content_type)
    if not has_thumbnail(record) or kind not in PICTURES:
        return None
    return _recent.get(look.mark, lambda: _made(look, kind))


def _made(look: Look, kind: str) -> Thumbnail | None:
    if kind in _FORMATS and _has_pillow():
        with _turns:
            return _scaled(look.data(_LARGEST), kind)
    return Thumbnail(look.data(_LARGEST_RAW), kind)


def _has_pillow() -> bool:
    return find_spec("PIL") is not None


def _scaled(data: bytes, kind: str) -> Thumbnail | None:
    """A smaller picture; None where it is none, or would take too much memory."""
    measures = measured(data[:65536])
    if measures is None or measures.width * measures.height > _MOST_PIXELS:
        return None
    if data.count(_SCAN) * measures.width * measures.height > _MOST_SCANNED:
        return None
    if len(data) < _LARGEST_OWN and max(measures) <= SIDE:
        return Thumbnail(data, kind)
    try:
        return _drawn(data, _FORMATS[kind])
    except _DAMAGED:
        return None
    except Exception:  # Pillow raises many kinds: a list goes on without the picture
        _log.warning("the dashboard could not make a picture smaller", exc_info=True)
        return None


_DAMAGED: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What Pillow raises for damaged pictures, which are no news."""


_LARGEST_OWN: Final = 30_000
"""Bytes of a picture that needs no thumbnail, if its sides are short too."""


def _drawn(data: bytes, name: str) -> Thumbnail | None:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=[name]) as image:
        if image.width * image.height > _MOST_PIXELS:
            return None
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        image.thumbnail((SIDE, SIDE))
        turned: Any = ImageOps.exif_transpose(image)
    is_clear = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
    form, mode = ("PNG", "RGBA") if is_clear else ("JPEG", "RGB")
    out = io.BytesIO()
    turned.convert(mode).save(out, form)
    return Thumbnail(out.getvalue(), f"image/{form.lower()}")
