"""Pictures of arrays: two dimensions as colours, one as a line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.values.arrays.png import data_url, png

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST: Final = 512
"""Pixels of a picture in each direction, and points of a line."""

WIDTH: Final = 720
HEIGHT: Final = 220

_COLOURS: Final = (
    (68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140),
    (40, 174, 128), (94, 201, 98), (173, 220, 48), (253, 231, 37),
)  # fmt: skip
"""Viridis, which is as readable for the colour-blind and in grey."""


def is_pixels(array: Array) -> bool:
    """Whether an array is a picture itself: height, width, and three or four bytes of colour."""
    return array.ndim == 3 and array.shape[2] in (3, 4) and str(array.dtype) == "uint8"


def pixels(array: Array) -> tuple[str, int, int, int]:
    """A URL of a picture, its width and height, and each how many pixels are shown."""
    step = _step(array)
    shown = array[::step, ::step]
    height, width, depth = shown.shape
    return data_url(png(shown.tobytes(), width, height, depth)), width, height, step


def colours(array: Array) -> tuple[str, int, int, int]:
    """The same of two dimensions of numbers, from the lowest, dark, to the highest, bright."""
    import numpy as np

    step = _step(array)
    shown = np.asarray(array[::step, ::step], dtype=np.float64)
    finite = np.isfinite(shown)
    known = shown[finite]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    # Halves, since the distance of two large numbers may be infinite.
    span = high / 2 - low / 2
    part = (shown / 2 - low / 2) / span if span else np.zeros_like(shown)
    part = np.where(finite, part, 0.0)
    made = np.empty((*shown.shape, 4), dtype=np.uint8)
    places = np.linspace(0, 1, len(_COLOURS))
    for channel in range(3):
        levels = [colour[channel] for colour in _COLOURS]
        made[..., channel] = np.interp(part, places, levels)
    made[..., 3] = np.where(finite, 255, 0)
    height, width = shown.shape
    return data_url(png(made.tobytes(), width, height, 4)), width, height, step


def line(array: Array) -> list[str]:
    """The points of a chart of `WIDTH` by `HEIGHT`: one text for each line without a gap."""
    import numpy as np

    size = array.size
    edges = np.unique(np.linspace(0, size, min(size, MOST) + 1).astype(np.int64))
    values = np.asarray(array, dtype=np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    lines: list[list[str]] = [[]]
    for start, stop in pairwise(edges):
        bucket = values[start:stop]
        known = bucket[np.isfinite(bucket)]
        if not known.size:
            lines.append([])
            continue
        across = (start / max(1, size - 1)) * WIDTH
        for each in {float(known.min()): None, float(known.max()): None}:
            lines[-1].append(f"{across:.1f},{_up(each, low, high):.1f}")
    # A point that has no neighbours is a line to itself, which a round end makes a dot.
    return [" ".join(each if len(each) > 1 else each * 2) for each in lines if each]


def _up(value: float, low: float, high: float) -> float:
    span = high / 2 - low / 2
    part = (value / 2 - low / 2) / span if span else 0.5
    return HEIGHT - 4 - part * (HEIGHT - 8)


def _step(array: Array) -> int:
    return max(1, -(-int(max(array.shape[:2])) // MOST))
