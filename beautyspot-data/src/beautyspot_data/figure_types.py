"""Figures of matplotlib: as the picture that a content type names.

No figure can be made of its picture again, and a figure holds functions and locks, so that it has
no other stored form. So a function with ``content_type="image/png"`` gives the picture, as bytes,
in the place of the figure that it returned, each time.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NoReturn

from beautyspot.errors import SerializationError, UnstableKeyError

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_FORMATS: Final = {"application/pdf": "pdf", "image/png": "png", "image/svg+xml": "svg"}
_DATES: Final = {"pdf": "CreationDate", "svg": "Date"}
"""The moment of drawing, which is left out, as no part of what the figure shows."""


def key(_value: Any) -> NoReturn:
    """See `TypeSupport.key`."""
    raise UnstableKeyError("has no form that is the same in another process: pass what it shows")


def encode(_value: Any) -> NoReturn:
    """See `TypeSupport.encode`."""
    raise SerializationError(
        'is stored as its picture: mark(content_type="image/png"), image/svg+xml or '
        "application/pdf; its calls then give that picture, as bytes"
    )


def to_media(value: Any, content_type: str) -> tuple[Data, object]:
    """See `TypeSupport.to_media`. Nobody gets the figure any more, so pyplot may forget it."""
    out, kind = BytesIO(), _FORMATS[content_type]
    metadata = {_DATES[kind]: None} if kind in _DATES else {}
    value.savefig(out, format=kind, metadata=metadata)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(value)
    return out.getvalue(), None
