"""Arrays, tensors and images: shape, type, a picture of them, values."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.rendering.sweeps import COLOURS
from beautyspot_dashboard.values.parts import COLUMNS, FEW, by, column
from beautyspot_dashboard.values.tables import Table, table, window
from beautyspot_dashboard.values.views import View, data_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from beautyspot_dashboard.values.places import Place

    Array = np.ndarray[Any, Any]

_MOST: Final = 512
"""Pixels of a picture in each direction, and points of a line."""

_LARGEST_IMAGE: Final = 1024
_SMALL: Final = 480
"""Pixels: a smaller picture is enlarged to about that."""

_WIDTH: Final = 720
_HEIGHT: Final = 220


def view(place: Place) -> View | None:
    """An array or tensor; None of all else."""
    value, array = place.value, _array(place.value)
    if array is None or not array.ndim:
        return None
    shown = _first(array)
    is_number = array.dtype.kind in "biuf" and shown.size > 0
    is_picture = _is_pixels(shown) and shown.size > 0
    is_map = is_number and shown.ndim == 2 and min(shown.shape) > 1 and shown.size > FEW
    step = max(1, -(-max(shown.shape[:2]) // _MOST))
    picture = None
    if is_picture or is_map:
        part = shown[::step, ::step]
        pixels = part if is_picture else _coloured(part)
        larger = max(1, _SMALL // max(part.shape[:2]))
        height, width = (side * larger for side in part.shape[:2])
        url = data_url("image/png", _png(pixels.tobytes(), *pixels.shape))
        picture = {"url": url, "width": width, "height": height, "step": step}
    dtype, shape = str(value.dtype)[:120], by(array.shape)
    facts = [("Shape", shape), ("Type", dtype)]
    context = {
        "facts": [*facts, *_facts(array)] if is_number else facts,
        "of": by(array.shape[: array.ndim - shown.ndim]) if array.size else "",
        "picture": picture,
        "chart": _line(shown) if is_number and shown.ndim == 1 and shown.size > 1 else None,
        "table": _values(place, shown) if shown.size and shown.ndim < 3 else None,
        "crumbs": place.crumbs,
    }
    kind = "tensor" if type(value).__module__.startswith("torch") else "array"
    return View("array.html", f"{kind} · {shape} · {dtype}", context)


def image(place: Place) -> View | None:
    """An image of Pillow; None of all else."""
    value = place.value
    if type(value).__module__.partition(".")[0] != "PIL" or not hasattr(value, "thumbnail"):
        return None
    size, mode = by(value.size), value.mode
    # A mode that PNG has no name for, such as CMYK, as the colours of a screen.
    shown = value.convert("RGBA" if "A" in mode or "a" in mode or mode == "P" else "RGB")
    shown.thumbnail((_LARGEST_IMAGE, _LARGEST_IMAGE))
    file = io.BytesIO()
    shown.save(file, "PNG")
    picture = {
        "url": data_url("image/png", file.getvalue()),
        "width": shown.width,
        "height": shown.height,
    }
    context = {
        "facts": [("Size", f"{size} pixels"), ("Mode", mode)],
        "of": "",
        "picture": {**picture, "step": 1},
        "chart": None,
        "table": None,
        "crumbs": place.crumbs,
    }
    return View("array.html", f"image · {size} · {mode}", context)


def _array(value: Any) -> Array | None:
    """The array of NumPy, also of a tensor; None of what is none, or holds objects."""
    library = type(value).__module__.partition(".")[0]
    if library == "torch" and hasattr(value, "detach"):
        try:
            value = value.detach().numpy()
        except TypeError:  # NumPy has no bfloat16
            value = value.detach().float().numpy()
    elif library != "numpy" or not hasattr(value, "dtype"):
        return None
    import numpy as np

    return value if isinstance(value, np.ndarray) and not value.dtype.hasobject else None


def _first(array: Array) -> Array:
    """The two last dimensions (of a picture three), at the first place of all others."""
    if not array.size:
        return array.reshape(-1)
    is_picture = array.ndim > 2 and _is_pixels(array[(0,) * (array.ndim - 3)])
    first: Array = array[(0,) * max(0, array.ndim - (3 if is_picture else 2))]
    return first


def _is_pixels(array: Array) -> bool:
    """Whether an array is a picture itself: height, width, and three or four bytes of colour."""
    return array.ndim == 3 and array.shape[2] in (3, 4) and str(array.dtype) == "uint8"


def _facts(array: Array) -> Iterator[tuple[str, str]]:
    import numpy as np

    known = array[np.isfinite(array)]
    if known.size:
        for name, number in (("Lowest", known.min().item()), ("Highest", known.max().item())):
            yield name, f"{number:.6g}" if isinstance(number, float) else str(number)
        yield "Mean", f"{float(known.mean(dtype=np.float64)):.6g}"
    if known.size < array.size:
        yield "Not finite", f"{array.size - known.size:,}"


def _levels(array: Array) -> Array:
    """The numbers from 0, the lowest, to 1, the highest; NaN of those that are not finite."""
    import numpy as np

    # Halves, since the distance of two large numbers may be infinite.
    values = np.asarray(array, dtype=np.float64) / 2
    values = np.where(np.isfinite(values), values, np.nan)
    low = np.fmin.reduce(values, axis=None)
    span = np.fmax.reduce(values, axis=None) - low
    levels: Array = (values - low) / span if span > 0 else values * 0
    return levels


def _coloured(array: Array) -> Array:
    """The pixels of two dimensions of numbers, from the lowest, dark, to the highest, bright."""
    import numpy as np

    levels = _levels(array)
    pixels = np.empty((*levels.shape, 4), dtype=np.uint8)
    known = ~np.isnan(levels)
    places = np.linspace(0, 1, len(COLOURS))
    for channel in range(3):
        colours = [colour[channel] for colour in COLOURS]
        pixels[..., channel] = np.interp(np.where(known, levels, 0), places, colours)
    pixels[..., 3] = np.where(known, 255, 0)
    return pixels


def _line(array: Array) -> dict[str, object]:
    """A chart of one dimension: the points of each line without a gap."""
    import numpy as np

    step = -(-array.size // _MOST)
    levels = np.append(_levels(array), [np.nan] * (-array.size % step)).reshape(-1, step)
    across = np.arange(len(levels)) * step / (array.size - 1) * _WIDTH
    lines: list[list[str]] = [[]]
    for x, low, high in zip(
        across, np.fmin.reduce(levels, 1), np.fmax.reduce(levels, 1), strict=True
    ):
        if np.isnan(low):
            lines.append([])
        else:
            heights = dict.fromkeys(_HEIGHT - 4 - level * (_HEIGHT - 8) for level in (low, high))
            lines[-1] += [f"{x:.1f},{height:.1f}" for height in heights]
    # A point that has no neighbours is a line to itself, which a round end makes a dot.
    points = [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]
    return {"lines": points, "width": _WIDTH, "height": _HEIGHT}


def _values(place: Place, array: Array) -> Table:
    """The values of one or two dimensions, or the fields of records."""
    rows = window(place.look)
    if array.dtype.names and array.ndim == 1:
        names = array.dtype.names
        columns = [column(name, array.dtype[name]) for name in names[:COLUMNS]]
        part = [[row[name].item() for name in names[:COLUMNS]] for row in array[rows]]
        return table(place.look, (array.size, len(names)), columns, part)
    wide = array.reshape(-1, 1) if array.ndim == 1 else array
    titles = ["value"] if array.ndim == 1 else map(str, range(wide.shape[1])[:COLUMNS])
    columns = [(title, "", array.dtype.kind in "biufc") for title in titles]
    shown = wide[rows, :COLUMNS]
    # Moments as texts, since those of nanoseconds would be bare numbers.
    part = (shown.astype(str) if shown.dtype.kind in "mM" else shown).tolist()
    return table(place.look, wide.shape, columns, part)


def _png(pixels: bytes, height: int, width: int, depth: int) -> bytes:
    """A PNG file of pixels, line by line, of three or four bytes each."""
    size = width * depth
    lines = b"".join(b"\0" + pixels[at : at + size] for at in range(0, size * height, size))
    head = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[depth], 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(name + data))
        file += struct.pack(">I", len(data)) + name + data + check
    return file
