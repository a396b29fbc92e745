"""Arrays of NumPy, and tensors that NumPy can take: shape, type, picture, values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.arrays import drawing
from beautyspot_dashboard.values.arrays.measuring import facts, is_numeric
from beautyspot_dashboard.values.leaves import by
from beautyspot_dashboard.values.tables.table import Column, Table, table, window_of
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    import numpy as np

    from beautyspot_dashboard.values.places import Place

    Array = np.ndarray[Any, Any]

_SMALL: Final = 480
"""Pixels: a smaller picture is enlarged to about that."""


def view(place: Place) -> View | None:
    """An array or tensor; None of all else."""
    array = _array(place.value)
    if array is None or not array.ndim:
        return None
    shown = _first(array)
    context = {
        "facts": _facts(array, place.value),
        "of": by(array.shape[: array.ndim - shown.ndim]) if array.size else "",
        "picture": _picture(shown),
        "chart": _chart(shown),
        "table": _values(place, shown),
        "crumbs": place.crumbs,
    }
    shape = by(array.shape)
    return View("array.html", f"{_kind(place.value)} · {shape} · {_dtype(place.value)}", context)


def _array(value: Any) -> Array | None:
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "dtype"):
        return _plain(value)
    if library == "torch" and hasattr(value, "detach"):
        return _of_tensor(value.detach())
    return None


def _plain(value: Any) -> Array | None:
    import numpy as np

    return value if isinstance(value, np.ndarray) and not value.dtype.hasobject else None


def _of_tensor(tensor: Any) -> Array | None:
    try:
        return _plain(tensor.numpy())
    except TypeError:  # NumPy has no bfloat16
        return _plain(tensor.float().numpy())


def _kind(value: Any) -> str:
    return "tensor" if type(value).__module__.startswith("torch") else "array"


def _dtype(value: Any) -> str:
    return str(value.dtype)[:120]


def _facts(array: Array, value: Any) -> list[tuple[str, str]]:
    shape = by(array.shape)
    return [("Shape", shape), ("Type", _dtype(value)), *facts(array)]


def _first(array: Array) -> Array:
    """The two last dimensions (of a picture three), at the first place of all others."""
    if not array.size:
        return array.reshape(-1)
    is_picture = array.ndim > 2 and drawing.is_pixels(array[(0,) * (array.ndim - 3)])
    first: Array = array[(0,) * max(0, array.ndim - (3 if is_picture else 2))]
    return first


def _picture(array: Array) -> dict[str, object] | None:
    if drawing.is_pixels(array):
        made = drawing.pixels(array) if array.size else None
    elif array.ndim == 2 and array.size and is_numeric(array) and min(array.shape) > 1:
        made = drawing.colours(array)
    else:
        made = None
    if made is None:
        return None
    url, width, height, step = made
    larger = max(1, _SMALL // max(width, height))
    return {"url": url, "width": width * larger, "height": height * larger, "step": step}


def _chart(array: Array) -> dict[str, object] | None:
    if array.ndim != 1 or array.size < 2 or not is_numeric(array):
        return None
    return {"lines": drawing.line(array), "width": drawing.WIDTH, "height": drawing.HEIGHT}


def _values(place: Place, array: Array) -> Table | None:
    """The values of one or two dimensions, or the fields of records."""
    if not array.size or array.ndim > 2:
        return None
    window = window_of(place.look)
    number = array.dtype.kind in "biufc"
    if array.dtype.names and array.ndim == 1:
        names = array.dtype.names[window.columns]
        columns = [Column(name, str(array.dtype[name])[:80], False) for name in names]
        part = [[_items(row[name]) for name in names] for row in array[window.rows]]
        return table(
            place.look, columns, _numbered(window.row, part), (array.size, len(array.dtype.names))
        )
    wide = array.reshape(-1, 1) if array.ndim == 1 else array
    part = _items(wide[window.rows, window.columns])
    places = range(wide.shape[1])[window.columns]
    titles = ["value"] if array.ndim == 1 else [str(each) for each in places]
    columns = [Column(title, "", number) for title in titles]
    return table(place.look, columns, _numbered(window.row, part), wide.shape)


def _numbered(start: int, rows: Any) -> Any:
    return ((count(place), row) for place, row in enumerate(rows, start))


def _items(values: Any) -> Any:
    """Plain values; moments as texts, since those of nanoseconds would be bare numbers."""
    return values.astype(str).tolist() if values.dtype.kind in "mM" else values.tolist()
