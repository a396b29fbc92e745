"""Texts: short ones large, longer ones to be read, code with its colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count, readable
from beautyspot_dashboard.values.leaves import Written
from beautyspot_dashboard.values.spans import pages, piece, wanted
from beautyspot_dashboard.values.texts.colours import coloured
from beautyspot_dashboard.values.texts.source import PAGE, Part, part_of_bytes, part_of_text
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look

_SHORT: Final = 120
_SNIFFED: Final = 4096
_TEXTS: Final = re.compile(
    r"text/.*|application/(.*\+)?(json|xml|yaml|javascript|ecmascript|toml|sql|graphql|x-ndjson|jsonl"
    r"|x-(sh|shellscript|python|python-code|ruby|perl|php|httpd-php|yaml|toml|javascript|tex|latex))"
    r"|image/svg\+xml"
)
_UNKNOWN: Final = "application/octet-stream"
_PROSE_NAMES: Final = (".txt", ".log", ".bin", "")
"""Endings of names that tell no language."""


def view(look: Look) -> View | None:
    """A text; None of what is none."""
    kind = _type(look)
    if not look.content.is_media or not _is_text(look, kind):
        return None
    part = part_of_bytes(look)
    if kind in ("text/plain", _UNKNOWN) and _ending(look) in _PROSE_NAMES:
        return _prose(look, part, {"crumbs": [], "links": _links(look, part)})
    return _code(look, part, kind)


def of_text(place: Place) -> View | None:
    """A text within a decoded value; None of all else."""
    if not isinstance(place.value, str) or isinstance(place.value, Written):
        return None
    part = part_of_text(place.look, str(place.value))
    return _prose(place.look, part, {"crumbs": place.crumbs, "links": []})


def _type(look: Look) -> str:
    return look.content.content_type.partition(";")[0].strip().lower()


def _ending(look: Look) -> str:
    name, dot, ending = look.content.filename.rpartition(".")
    return f"{dot}{ending}".lower() if name else ""


def _is_text(look: Look, kind: str) -> bool:
    if _TEXTS.fullmatch(kind) is not None or look.request.query_params.get("as") == "text":
        return True
    return kind == _UNKNOWN and _looks_like_text(piece(look.content, 0, _SNIFFED))


def _looks_like_text(data: bytes) -> bool:
    if not data or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", data):
        return False
    try:
        data[: max(1, len(data) - 3)].decode()
    except UnicodeDecodeError as error:
        return error.end >= len(data) - 3 and error.start > 0
    return True


def _links(look: Look, part: Part) -> list[tuple[str, str]]:
    links = [("As bytes", with_query(look.request, **{"as": "hex", "from": None, "line": None}))]
    if look.wants_source:
        return [("As what it is", with_query(look.request, **{"as": None, "from": None})), *links]
    return links


def _prose(look: Look, part: Part, context: dict[str, object]) -> View:
    if part.is_whole and len(part.text) <= _SHORT and "\n" not in part.text.strip("\n"):
        return View("figure.html", "text", {"text": part.text, "type": "", **context})
    return View("text.html", _measured(part), context | _page(look, part) | {"text": part.text})


def _measured(part: Part) -> str:
    if not part.is_whole:
        return f"text · {count(part.total)} {part.unit}"
    lines = part.text.count("\n") + (not part.text.endswith("\n"))
    shown = "1 line" if lines == 1 else f"{count(lines)} lines"
    return f"text · {count(len(part.text))} characters · {shown}"


def _code(look: Look, part: Part, kind: str) -> View:
    # Made readable before it is coloured: what turns the direction would hide what stands there.
    text = readable(part.text)
    language, lines = coloured(text, kind, look.content.filename)
    first = wanted(look, "line") if part.start else 1
    numbered = [(first + place if first else "", line) for place, line in enumerate(lines)]
    following = first + text.count("\n") if first else 0
    context: dict[str, object] = {"crumbs": [], "links": _links(look, part), "lines": numbered}
    return View("code.html", language or kind, context | _page(look, part, following))


def _page(look: Look, part: Part, line: int = 0) -> dict[str, object]:
    found = pages(look, "from", part.start, PAGE, part.total)
    if line and found["after"]:
        found["after"] = with_query(look.request, **{"from": part.start + PAGE, "line": line})
    stop = min(part.start + PAGE, part.total)
    return {
        "start": part.start,
        "stop": stop,
        "total": part.total,
        "unit": part.unit,
        "pages": found,
        "is_sound": part.is_sound,
    }
