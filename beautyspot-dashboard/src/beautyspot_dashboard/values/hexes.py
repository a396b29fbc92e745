"""Bytes as numbers and characters, for what nothing else shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.spans import pages, wanted
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look

_PAGE: Final = 4096
_LINE: Final = 16


@dataclass(frozen=True)
class Line:
    """Sixteen bytes: where they stand, their numbers, and their characters."""

    offset: str
    numbers: str
    characters: str


def view(look: Look) -> View:
    """Any value, as its bytes."""
    start = wanted(look, "from") // _LINE * _LINE
    data = look.file.read(start, _PAGE)
    links = [] if look.wants_source else [("As text", with_query(look.request, **{"as": "text"}))]
    return _view(look, data, start, look.file.size, {"crumbs": [], "links": links})


def asked(look: Look) -> View | None:
    """The bytes of a value that is shown as something else, where the query asks for them."""
    is_asked = look.file.is_media and look.request.query_params.get("as") == "hex"
    return view(look) if is_asked else None


def of_bytes(place: Place) -> View | None:
    """Bytes within a decoded value; None of all else."""
    if not isinstance(place.value, bytes | bytearray):
        return None
    start = wanted(place.look, "from") // _LINE * _LINE
    data = bytes(place.value[start : start + _PAGE])
    links = [("As text", with_query(place.look.request, **{"as": "text", "from": None}))]
    return _view(
        place.look, data, start, len(place.value), {"crumbs": place.crumbs, "links": links}
    )


def _view(look: Look, data: bytes, start: int, total: int, context: dict[str, object]) -> View:
    context |= {
        "lines": list(_lines(data, start)),
        "start": start,
        "stop": start + len(data),
        "total": total,
        "pages": pages(look, "from", start, _PAGE, total),
    }
    kind = look.file.content_type if look.file.is_media else "bytes"
    return View("hex.html", f"{kind} · {count(total)} bytes", context)


def _lines(data: bytes, start: int) -> Iterator[Line]:
    for place in range(0, len(data), _LINE):
        part = data[place : place + _LINE]
        numbers = f"{part[:8].hex(' ')}  {part[8:].hex(' ')}".ljust(3 * _LINE)
        characters = "".join(chr(each) if 32 <= each < 127 else "·" for each in part)
        yield Line(f"{start + place:08x}", numbers, characters)
