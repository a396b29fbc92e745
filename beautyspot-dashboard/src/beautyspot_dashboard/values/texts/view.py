"""Texts: short ones large, longer ones to be read, code with its colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count, readable
from beautyspot_dashboard.values.drawn import LANGUAGES
from beautyspot_dashboard.values.leaves import Written
from beautyspot_dashboard.values.spans import pages, wanted
from beautyspot_dashboard.values.texts import markdown
from beautyspot_dashboard.values.texts.colours import coloured
from beautyspot_dashboard.values.texts.source import PAGE, Part, part_of_bytes, part_of_text
from beautyspot_dashboard.values.views import LARGEST, View

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
_TABLES: Final = ("text/csv", "text/tab-separated-values", "text/tsv")
_UNKNOWN: Final = "application/octet-stream"
_PROSE_NAMES: Final = (".txt", ".log", ".bin", "")
"""Endings of names that tell no language."""


def view(look: Look) -> View | None:
    """A text; None of what is none."""
    kind = _type(look)
    if not look.file.is_media or not _is_text(look, kind):
        return None
    part = part_of_bytes(look)
    if kind in ("text/plain", _UNKNOWN) and _ending(look) in _PROSE_NAMES:
        links = [*markdown.link(look, part.total), *_links(look)]
        return _prose(look, part, {"crumbs": [], "links": links})
    return _code(look, part, kind)


def of_bytes(place: Place) -> View | None:
    """Bytes within a value, if they are a text or the query wants one; None of all else."""
    asked = place.look.request.query_params.get("as")
    if asked == "hex" or not isinstance(place.value, bytes | bytearray):
        return None
    data = bytes(place.value)
    if asked != "text" and not looks_like_text(data[:_SNIFFED]):
        return None
    part = part_of_text(place.look, data.decode("utf-8", "replace"))
    links = [("As bytes", with_query(place.look.request, **{"as": "hex", "from": None}))]
    return _prose(place.look, part, {"crumbs": place.crumbs, "links": links})


def looks_like_text(data: bytes) -> bool:
    """Whether bytes are a text, or its beginning, and none of its characters is a control."""
    if not data or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(data) - 3
    return True


def of_text(place: Place) -> View | None:
    """A text within a decoded value; None of all else."""
    if not isinstance(place.value, str) or isinstance(place.value, Written):
        return None
    part = part_of_text(place.look, str(place.value))
    return _prose(
        place.look, part, {"crumbs": place.crumbs, "links": markdown.link(place.look, part.total)}
    )


def _type(look: Look) -> str:
    return look.file.content_type.partition(";")[0].strip().lower()


def _ending(look: Look) -> str:
    name, dot, ending = look.file.filename.rpartition(".")
    return f"{dot}{ending}".lower() if name else ""


def _is_text(look: Look, kind: str) -> bool:
    if _TEXTS.fullmatch(kind) is not None or look.request.query_params.get("as") == "text":
        return True
    return kind == _UNKNOWN and looks_like_text(look.file.read(0, _SNIFFED))


def _links(look: Look) -> list[tuple[str, str]]:
    links = [("As bytes", with_query(look.request, **{"as": "hex", "from": None, "line": None}))]
    if look.wants_source:
        return [("As what it is", with_query(look.request, **{"as": None, "from": None})), *links]
    return links


def _prose(look: Look, part: Part, context: dict[str, object]) -> View:
    if part.is_whole and len(part.text) <= _SHORT and "\n" not in part.text.strip("\n"):
        return View("figure.html", "text", {**context, "text": part.text, "type": "", "links": []})
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
    language, lines = coloured(text, kind, look.file.filename)
    first = wanted(look, "line") if part.start else 1
    numbered = [(first + place if first else "", line) for place, line in enumerate(lines)]
    following = first + text.count("\n") if first else 0
    context = {"crumbs": [], "links": _links(look), "lines": numbered, "note": _note(look, kind)}
    return View("code.html", language or kind, context | _page(look, part, following))


def _note(look: Look, kind: str) -> str:
    """Why a text is not shown as what it is said to be."""
    if look.wants_source:
        return ""
    size = look.file.size or 0
    if kind in _TABLES:
        return "This can't be read as a table, so it is shown as text."
    if kind in LANGUAGES:
        return "This is too long to be drawn, so its source is shown."
    if not re.fullmatch(r"application/(.*\+)?json", kind):
        return ""
    if size > LARGEST:
        return "This is too large to be shown as a tree, so it is shown as text."
    return "This is no JSON, or it is nested too deep to be shown as a tree: this is its text."


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
