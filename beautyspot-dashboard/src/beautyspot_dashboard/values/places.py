"""`Place`: which part of a value a page shows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from beautyspot import Instance

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.rows import plain_serializer
from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.parts import Written, parts_of
from beautyspot_dashboard.values.views import LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_dashboard.values.views import Look

JSON: Final = re.compile(r"application/([^;]*\+)?json")
_NUMBERS: Final = 10_000
"""Numbers of which there is one object, however often they stand in a JSON text."""


@dataclass(frozen=True)
class Place:
    """Which part of a value a page shows.

    Attributes:
        look: the result.
        path: leads to the part: the position of each value around it, from the whole one on.
        value: the part.
        crumbs: names and URLs of the values around it, and of itself; none of the whole one.
    """

    look: Look
    path: Sequence[int]
    value: Any
    crumbs: Sequence[tuple[str, str]] = ()

    @property
    def is_stored(self) -> bool:
        """Whether the part is all bytes, as they are stored."""
        return self.look.file.is_media and not self.path


def link_to(look: Look, path: Sequence[int]) -> str:
    """The URL of a part of a value."""
    at = ".".join(map(str, path))
    return with_query(look.request, **{"at": at or None, "from": None, "as": None})


def place_of(look: Look) -> Place:
    """The place that the query names.

    Raises:
        LookupError: the value has no such part.
        TooLargeError: the value is not decoded for its size.
        BeautyspotError: it can't be decoded.
    """
    value, path = _whole(look), list[int]()
    crumbs = [("$", link_to(look, []))]
    at = look.request.query_params.get("at", "")
    for number in at.split(".") if at else ():
        if not re.fullmatch("[0-9]{1,15}", number):
            raise LookupError(number)
        parts = parts_of(value)
        entry = next(islice(parts.entries, int(number), None), None) if parts else None
        if entry is None:
            raise LookupError(number)
        path.append(int(number))
        crumbs.append((f"[{entry[0] or number}]", link_to(look, path)))
        value = entry[1]
    shown = crumbs if len(crumbs) <= 12 else [*crumbs[:5], *crumbs[-6:]]
    return Place(look, path, value, shown if path else ())


def _whole(look: Look) -> Any:
    """What is shown of the value itself: decoded, if that is possible, or its first bytes."""
    if look.file.is_media:
        is_json = JSON.fullmatch(look.file.kind) and look.mode not in ("text", "hex")
        data = look.file.read(0, LARGEST)
        return _parsed(data) if is_json and look.file.size <= LARGEST else data
    if look.file.size > LARGEST:
        raise TooLargeError(LARGEST)
    value = look.store.value(look.record.cache_key)
    if not plain_serializer(look.record).startswith("stream:"):
        return value
    return Instance("generator", {"items": value[:-1], "returned": value[-1] if value else None})


def _parsed(data: bytes) -> Any:
    """The value of a JSON text, with its numbers as written; the text where it is none.

    That is also a text that is nested too deep to be read.
    """
    number = lru_cache(_NUMBERS)(Written)  # 20 MB may be ten million times the same digit
    try:
        return json.loads(
            data,
            parse_int=number,
            parse_float=number,
            parse_constant=number,
        )
    except (ValueError, RecursionError):
        return data
