"""Figures of matplotlib, Plotly and Altair: as the picture or the page that a content type names.

No figure can be made of its picture again. So a function with ``content_type="image/png"`` gives
the picture, as bytes, in the place of the figure that it returned, each time. Without such a type a
figure of Plotly or of Altair is stored as what it is made of; one of matplotlib holds functions and
locks, so that it has no other stored form.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from io import BytesIO, StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import SerializationError, UnstableKeyError

from beautyspot_data.parts import check

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_FORMATS: Final = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/svg+xml": "svg",
    "text/html": "html",
}
_DATES: Final = {"pdf": "CreationDate", "svg": "Date"}
"""The moment of drawing, which is left out, as no part of what the figure shows."""


def _library(value: Any) -> str:
    found = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    return next(name for name in ("matplotlib", "plotly", "altair") if name in found)


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    if _library(value) == "matplotlib":
        raise UnstableKeyError(
            "has no form that is the same in another process: pass what it shows"
        )
    return _form(value)


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    library = _library(value)
    if library == "matplotlib":
        raise SerializationError(
            'is stored as its picture: mark(content_type="image/png"), image/svg+xml or '
            "application/pdf; its calls then give that picture, as bytes"
        )
    if library == "plotly" and type(value).__name__ != "Figure":
        raise SerializationError(
            "is of a class below that of Plotly: return plotly.graph_objects.Figure(…) of it"
        )
    return _form(value)


def _form(value: Any) -> object:
    if _library(value) == "plotly":  # whose `to_dict` writes arrays as Base64
        parts = ([each.to_plotly_json() for each in some] for some in (value.data, value.frames))
        return ["plotly", *map(_parts, (*parts, value.layout.to_plotly_json()))]
    try:
        return ["altair", type(value).__name__, value.to_json(indent=None)]
    except Exception as error:
        raise SerializationError(f"has no JSON ({error}): return its data") from error


def _parts(value: Any) -> Any:
    """What a figure holds, with the items of an array of objects in its place: texts often."""
    if isinstance(value, dict):
        return {name: _parts(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_parts, value))
    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        return SimpleNamespace(shape=[*value.shape], items=value.ravel().tolist())
    return value


def _whole(value: Any) -> Any:
    """The same again; the parts may be hostile."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_whole, value))
    if type(value) is SimpleNamespace:
        return import_module("numpy").fromiter(value.items, object).reshape(value.shape)
    return value


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    if form[0] == "plotly":
        data, frames, layout = map(_whole, check(form[1:], list, list, dict))
        return import_module("plotly.graph_objects").Figure(data, layout, frames)
    name, text = check(form[1:], str, str)
    charts = import_module("altair")
    return getattr(charts, name).from_dict(json.loads(text)) if name in _CHARTS else None


_CHARTS: Final = frozenset(
    {
        *("Chart", "LayerChart", "HConcatChart", "VConcatChart", "ConcatChart", "FacetChart"),
        "RepeatChart",
    }
)


def to_media(value: Any, content_type: str) -> tuple[Data, object]:
    """See `TypeSupport.to_media`. Nobody gets the figure any more, so pyplot may forget it."""
    kind, library = _FORMATS[content_type], _library(value)
    if library == "plotly":
        if kind != "html":
            return value.to_image(kind), None
        page = value.to_html(include_plotlyjs="cdn", div_id="figure")  # else a random one
        return page.encode(), None
    if library == "altair":
        text: Any = StringIO() if kind in ("html", "svg") else BytesIO()
        value.save(text, format=kind)
        made = text.getvalue()
        return made.encode() if isinstance(made, str) else made, None
    out = BytesIO()
    metadata = {_DATES[kind]: None} if kind in _DATES else {}
    value.savefig(out, format=kind, metadata=metadata)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(value)
    return out.getvalue(), None
