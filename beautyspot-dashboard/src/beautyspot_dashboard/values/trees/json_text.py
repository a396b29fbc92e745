"""A JSON text, read so that nothing of it is lost: numbers as written, names that stand twice."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.values.leaves import Written
from beautyspot_dashboard.values.trees.parts import Pairs
from beautyspot_dashboard.values.views import LARGEST

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

NONE: Final = object()
"""Stands for a text that is no JSON, or too large."""

_NUMBERS: Final = 10_000
"""Numbers of which there is one object, however often they stand in a text."""

_TYPE: Final = re.compile(r"application/([^;]*\+)?json\s*(;.*)?", re.IGNORECASE)


def value_of(look: Look) -> Any:
    """The value of a JSON text; `NONE` where it is none."""
    is_large = (look.file.size or 0) > LARGEST
    if is_large or not look.file.is_media or not _TYPE.fullmatch(look.file.content_type):
        return NONE
    return parsed(look.data())


def parsed(data: bytes) -> Any:
    """The value; `NONE` where the text is no JSON, or nested too deep to be read."""
    number = lru_cache(_NUMBERS)(Written)  # 20 MB may be ten million times the same digit
    try:
        return json.loads(
            data,
            object_pairs_hook=_object,
            parse_int=number,
            parse_float=number,
            parse_constant=number,
        )
    except (ValueError, RecursionError):
        return NONE


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Pairs(pairs)
